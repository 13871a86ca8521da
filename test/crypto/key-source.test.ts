import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { keyRing } from '../../src/crypto/key-source.ts';
import { random } from '../../src/crypto.ts';

const data = mkdtempSync(join(tmpdir(), 'cardea-key-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));

const ringOf = (env: Record<string, string>) => keyRing(readConfig({ env: { CARDEA_DATA: data, ...env } }));
const failureOf = (env: Record<string, string>): Promise<Error> =>
  ringOf(env).then(
    () => expect.fail('a key came of it'),
    (error: Error) => error,
  );

test('without a setting a key is made once, and only its owner may read it', async () => {
  const made = await ringOf({});
  expect((await ringOf({})).current).toEqual(made.current);
  expect(statSync(join(data, 'cardea.key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(data, 'cardea.key'), 'utf8').trim()).toBe(
    made.current.bytes.toString('base64url'),
  );
});

test('a command that prints a key is as good as the key itself', async () => {
  const key = random();
  const [said, printed] = [
    await ringOf({ CARDEA_KEY: key }),
    await ringOf({ CARDEA_KEY_COMMAND: `echo loading >&2; printf '%s=\\n' ${key}` }),
  ];
  expect(printed).toEqual(said);
});

test.each([
  ['echo not-a-key', 'did not print a key'],
  ['head -c 32 /dev/zero | basenc --base64url; exit 7', 'ended with 7'],
  ['head -c 9999 /dev/zero', 'did not end, or printed too much'],
])('a command that does not (%s) refuses to start, and its output is not repeated', async (command, why) => {
  const failed = await failureOf({ CARDEA_KEY_COMMAND: command });
  expect(failed).toMatchObject({ reason: 'key_command_failed', message: expect.stringContaining(why) });
  expect(failed.cause).toBeUndefined();
});

test('keys of before are a list, also in a file, and each must be one', async () => {
  const [one, two] = [random(), random()];
  const ring = await ringOf({ CARDEA_KEY: random(), CARDEA_KEY_PREVIOUS: `${one},${two}` });
  expect(ring.previous.map(({ bytes }) => bytes.toString('base64url'))).toEqual([one, two]);
  const wrong = () => readConfig({ env: { CARDEA_KEY_PREVIOUS: `${one},short` } });
  expect(wrong).toThrow(/key_previous\[1\] is not 32/);
});

test('a key and a command for it are one too many; a key is published before it has to sign', () => {
  const config = (env: Record<string, string>, file = '') =>
    readConfig({ env: { CARDEA_CONFIG: 'c.yaml', ...env }, files: () => file });
  expect(() => config({ CARDEA_KEY: random(), CARDEA_KEY_COMMAND: 'true' })).toThrow(/key_command/);
  expect(() => config({}, 'keys: { rotate_every: 2h, publish_before: 3h }')).toThrow(
    /longer than keys.rotate_every/,
  );
  expect(() => config({}, 'keys: { publish_before: 1m }')).toThrow(/at least 10m/);
  expect(config({}).rotation).toEqual({ every: 90 * 86_400, publishBefore: 86_400 });
});
