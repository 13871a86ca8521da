// The reference of every setting as markdown, made from the shapes themselves; README.md holds it between markers.

import { z } from 'zod';
import { clientShape } from './clients.ts';
import { unwrap } from './declared.ts';
import { resourceShape } from './resources.ts';
import { settingNames, settings } from './settings.ts';
import { upstreamShape } from './upstreams.ts';

export const START = '<!-- settings -->';
export const END = '<!-- /settings -->';

/** Two markdown tables: the settings that are one value, and the members of what is declared. */
export function settingsTable(): string {
  const rows = settingNames.map((name) => {
    const { env, secret, fallback, otherwise, about } = settings[name];
    const variable = env ? `\`${env}\`${secret ? `, \`${env}_FILE\`` : ''}` : '';
    return row([`\`${name}\``, variable, otherwise ?? shown(fallback), about]);
  });
  return [
    row(['YAML', 'Environment', 'Default', 'What it is']),
    row(['---', '---', '---', '---']),
    ...rows,
    '',
    row(['Declared in the YAML file', 'Default', 'What it is']),
    row(['---', '---', '---']),
    ...members('resources[]', resourceShape),
    ...members('clients[]', clientShape([])),
    ...members('upstreams[]', upstreamShape),
  ].join('\n');
}

/** `text` with the table between its markers; throws when it has none. */
export function withSettingsTable(text: string): string {
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`the markers ${START} and ${END} are missing`);
  return `${text.slice(0, start + START.length)}\n${settingsTable()}\n${text.slice(end)}`;
}

function members(prefix: string, shape: z.ZodObject): string[] {
  return Object.entries(shape.shape).flatMap(([key, schema]) => {
    const name = `${prefix}.${key}`;
    const inner = unwrap(schema);
    const nested = inner instanceof z.ZodArray ? unwrap(inner.element) : inner;
    const about = (schema as z.ZodType).description ?? '';
    const list = inner instanceof z.ZodArray ? `${name}[]` : name;
    const below = nested instanceof z.ZodObject ? members(list, nested) : [];
    return [row([`\`${name}\``, need(schema as z.ZodType), about]), ...below];
  });
}

function need(schema: z.ZodType): string {
  if (schema instanceof z.ZodDefault) return shown(schema.def.defaultValue);
  return schema.safeParse(undefined).success ? '' : 'required';
}

const shown = (value: unknown): string =>
  Array.isArray(value) ? (value.length ? `\`[${value.join(', ')}]\`` : '`[]`') : `\`${String(value)}\``;

const row = (cells: string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
