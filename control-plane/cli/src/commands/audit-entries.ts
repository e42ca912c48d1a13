import { httpApi } from '@strongroom/control-plane-contract';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { connect } from '../http/connect.js';
import { table } from '../terminal/table.js';
import { parseIndex } from './instant.js';
import type { CommonOptions } from './options.js';

export type EntriesOptions = CommonOptions & { readonly chain?: string; readonly class?: string; readonly after?: string; readonly limit: string };

type Entry = ReturnType<typeof httpApi.auditEntryView.parse>;

/** Entries as the server tells them: quick to read, not verified. */
export async function entriesCommand(cli: Cli, options: EntriesOptions): Promise<void> {
  const query = new URLSearchParams();
  if (options.after !== undefined) query.set('after', String(parseIndex(options.after)));
  if (options.chain !== undefined) query.set('chain', options.chain);
  if (options.class !== undefined) query.set('class_uid', String(parseIndex(options.class)));
  query.set('limit', String(parseIndex(options.limit)));
  const { api } = await connect(cli, options);
  const page = pageOf(await api.json('GET', `/v1/audit/entries?${query.toString()}`));
  cli.print(options, page, () => {
    const rows = table(['INDEX', 'TIME', 'EVENT', 'MESSAGE'], page.items.map(rowOf));
    return `${rows}${page.next === null ? '' : `\nmore: --after ${page.next}`}`;
  });
}

function pageOf(value: unknown): { items: Entry[]; next: string | null } {
  const { items, next } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const parsed = httpApi.auditEntryView.array().safeParse(items);
  if (!parsed.success || (next !== null && (typeof next !== 'string' || !/^\d{1,16}$/.test(next)))) throw new CliError('server-answer-malformed', 'the server\'s entries are not of the agreed shape');
  return { items: parsed.data, next };
}

function rowOf({ index, event }: Entry): string[] {
  const { time, message, metadata } = event as { time?: unknown; message?: unknown; metadata?: { event_code?: unknown } };
  const at = typeof time === 'number' && Math.abs(time) < 8.64e15 ? new Date(time).toISOString() : '-';
  return [index, at, typeof metadata?.event_code === 'string' ? metadata.event_code : '-', typeof message === 'string' ? message : '-'];
}
