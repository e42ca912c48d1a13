import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { dsse } from '@strongroom/control-plane-contract';
import { DevelopmentError } from '../errors.js';
import type { Founding } from '../genesis/found.js';
import type { Home } from '../home/home.js';
import { writePrivateFile } from '../home/private-file.js';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const schema = z.strictObject({ anchors: dsse, anchorsDigest: digest, genesis: dsse, genesisDigest: digest });

/** The founding of this home, once it happened. Written last in a genesis: a home without it is begun (or gone on with) anew. */
export function readFounding(home: Home): Founding | undefined {
  const path = fileOf(home);
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new DevelopmentError('home-unusable', `${path} is damaged: restore it, or set STRONGROOM_HOME to another folder`, { cause });
  }
}

export function writeFounding(home: Home, founding: Founding): void {
  writePrivateFile(fileOf(home), JSON.stringify(schema.parse(founding)));
}

function fileOf(home: Home): string {
  return join(home.trust, 'founding.json');
}
