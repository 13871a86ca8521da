// The single values of a configuration, each from a YAML value or the text of an environment variable.

import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { issuerProblem } from './issuer.ts';
import { schemeProblem } from './redirect-uri.ts';
import { type Secret, secret } from './secret.ts';

export type Database = { kind: 'sqlite'; file: string } | { kind: 'postgres'; url: Secret };
export type Listener = { host: string; port: number };

/** A text that `check` finds nothing wrong with; what it says becomes the problem. */
export const checked = (check: (text: string) => string | undefined) =>
  z.string().check((ctx) => {
    const message = check(ctx.value);
    if (message) ctx.issues.push({ code: 'custom', input: ctx.value, message });
  });

/** One line for people, without characters that could disguise another. */
export const line = checked((text) => {
  if (text.trim() === '') return 'is empty';
  if (text.length > 200) return 'is longer than 200 characters';
  return /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u.test(text)
    ? 'holds a control character or an invisible one'
    : undefined;
});

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds, from a number or from `90s`, `10m`, `1h`, `30d`; within `least` and `most` (also such texts). */
export function duration(least: string, most: string) {
  return z.unknown().transform((value, ctx): number => {
    const seconds = durationSeconds(value);
    if (value === undefined) ctx.addIssue('is missing');
    else if (seconds === undefined)
      ctx.addIssue('is not a duration\nWrite a whole number and a unit: 90s, 10m, 1h, 30d.');
    else if (seconds < (durationSeconds(least) ?? 0)) ctx.addIssue(`must be at least ${least}`);
    else if (seconds > (durationSeconds(most) ?? Infinity)) ctx.addIssue(`must be at most ${most}`);
    else return seconds;
    return z.NEVER;
  });
}

function durationSeconds(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = typeof value === 'string' ? /^(\d{1,9})([smhd]?)$/.exec(value) : null;
  return match ? Number(match[1]) * (UNITS[match[2] || 's'] ?? 1) : undefined;
}

/** A TCP port; 0 lets the system choose one. */
export const port = z.unknown().transform((value, ctx): number => {
  const number = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535)
    return number;
  const hint = String(value).startsWith('tcp://')
    ? '\nKubernetes sets this for a service named cardea; turn enableServiceLinks off or rename the service.'
    : '';
  ctx.addIssue(`is not a port number from 0 to 65535${hint}`);
  return z.NEVER;
});

export const yes = z.unknown().transform((value, ctx): boolean => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  ctx.addIssue('must be true or false');
  return z.NEVER;
});

export const issuer = checked(issuerProblem).optional();

export const listener = z
  .string()
  .transform((text, ctx): Listener => {
    const match = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+):(\d{1,5})$/i.exec(text);
    if (match && Number(match[2]) <= 65_535) return { host: match[1] as string, port: Number(match[2]) };
    ctx.addIssue('is not host:port, such as 127.0.0.1:9464');
    return z.NEVER;
  })
  .optional();

/** A list, or in the environment the same with commas. */
const list = <T extends z.ZodType>(member: T) =>
  z.preprocess(
    (value) =>
      typeof value === 'string'
        ? value
            .split(',')
            .map((part) => part.trim())
            .filter(Boolean)
        : value,
    z.array(member),
  );

export const networks = list(
  z.string().transform((text, ctx): string => {
    if (ipaddr.isValidCIDR(text)) return text;
    if (ipaddr.isValid(text)) return `${text}/${ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128}`;
    ctx.addIssue('is neither a network such as 10.0.0.0/8 nor an address');
    return z.NEVER;
  }),
);

/** Host names as they are looked up; `*.` before one means all below it. */
export const hosts = list(
  checked((text) =>
    /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)
      ? undefined
      : 'is not a host name in small letters such as app.example, or *.app.example for all below it',
  ),
);

export const schemes = list(checked(schemeProblem));

export const database = z
  .string()
  .transform((text, ctx): Database => {
    if (text.startsWith('sqlite:') && text.length > 7)
      return { kind: 'sqlite', file: text.slice(7).replace(/^\/\/(?=\/)/, '') };
    // The address is never repeated in a message: it holds the password.
    if (/^postgres(ql)?:\/\/./.test(text) && URL.canParse(text))
      return { kind: 'postgres', url: secret(text) };
    ctx.addIssue('is not a database address\nWrite sqlite:PATH or postgres://user:password@host/database.');
    return z.NEVER;
  })
  .optional();

const aKey = z.string().transform((text, ctx): Secret => {
  const encoded = text.trim().replace(/=$/, '');
  if (/^[A-Za-z0-9_-]{43}$/.test(encoded) && Buffer.from(encoded, 'base64url').length === 32)
    return secret(encoded);
  ctx.addIssue('is not 32 bytes in base64url\nMake one with: openssl rand 32 | basenc --base64url');
  return z.NEVER;
});

export const key = aKey.optional();

export const keysOfBefore = list(aKey);
