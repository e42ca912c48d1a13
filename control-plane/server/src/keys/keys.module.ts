import { Module } from '@nestjs/common';
import { ReleaserClient } from './releaser-client.js';

@Module({ providers: [ReleaserClient], exports: [ReleaserClient] })
export class KeysModule {}
