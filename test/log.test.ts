import { describe, expect, test } from 'vitest';
import { secret } from '../src/config/secret.ts';
import { Refusal } from '../src/errors.ts';
import { createLog, traced } from '../src/log.ts';
import { createMetrics } from '../src/metrics.ts';

const CANARY = 'canary-7f3a9c1e5b2d8046';

function lines(log: (to: ReturnType<typeof createLog>) => void, format: 'json' | 'text' = 'json'): string {
  let written = '';
  log(
    createLog({
      level: 'trace',
      format,
      write: (line) => {
        written += line;
      },
    }),
  );
  return written;
}

describe('a log line', () => {
  test.each<[string, (to: ReturnType<typeof createLog>) => void]>([
    [
      'by name, at any depth',
      (log) => log.info({ a: { b: [{ refresh_token: CANARY, clientSecret: CANARY }] } }),
    ],
    [
      'in headers',
      (log) =>
        log.info({ headers: { authorization: `Basic ${CANARY}`, Cookie: CANARY, 'set-cookie': [CANARY] } }),
    ],
    [
      'in a form',
      (log) =>
        log.info({
          body: { password: CANARY, repeat: CANARY, code: CANARY, code_verifier: CANARY, csrf: CANARY },
        }),
    ],
    ['in an address', (log) => log.info({ url: `/callback?iss=x&code=${CANARY}&state=${CANARY}` })],
    ['in a database address', (log) => log.info({ at: `postgres://cardea:${CANARY}@db/cardea` })],
    ['in a message', (log) => log.info(`sent Bearer ${CANARY}`)],
    ['in the values of a message', (log) => log.info('sent %o %s', { token: CANARY }, `Bearer ${CANARY}`)],
    ['in a Secret', (log) => log.info({ setting: secret(CANARY) })],
    [
      'in an error and its cause',
      (log) =>
        log.error(
          new Error(`Bearer ${CANARY}`, { cause: Object.assign(new Error('x'), { access_token: CANARY }) }),
        ),
    ],
    ['in what a child carries', (log) => log.child({ token: CANARY }).info('x')],
    ['in bytes', (log) => log.info({ body: Buffer.from(CANARY) })],
  ])('holds no secret %s', (_where, write) => {
    for (const format of ['json', 'text'] as const) {
      const written = lines(write, format);
      expect(written).not.toBe('');
      expect(written).not.toContain(CANARY);
    }
  });

  test('keeps what is not secret: reasons, codes, counts and the words of an error', () => {
    const refusal = new Refusal('The grant has ended.', {
      reason: 'grant_ended',
      cause: Object.assign(new Error('no'), { code: 'ENOENT' }),
    });
    const written = lines((log) => log.warn({ err: refusal, tokens: 3, token_type: 'Bearer' }, 'refused'));
    expect(JSON.parse(written)).toMatchObject({
      level: 'warn',
      msg: 'refused',
      tokens: 3,
      token_type: 'Bearer',
      err: { message: 'The grant has ended.', reason: 'grant_ended', cause: { code: 'ENOENT' } },
    });
  });

  test('carries the trace id of its child', () => {
    expect(JSON.parse(lines((log) => traced(log, 'abc').info('x')))).toMatchObject({ trace: 'abc' });
  });

  test('is one line, whatever the values hold', () => {
    const written = lines((log) => log.info({ name: 'a\nINFO forged\u001b[2J\u202e' }, 'x\ny'), 'text');
    expect(written.trimEnd()).not.toMatch(/[\n\u001b\u202e]/);
  });

  test('survives an object that holds itself', () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    expect(lines((log) => log.info(loop))).toContain('[deeper]');
  });
});

describe('metrics', () => {
  test('count requests, tokens and refusals by name', async () => {
    const metrics = createMetrics({ process: false });
    metrics.request({ method: 'GET', route: '/token', status: 200, seconds: 0.02 });
    metrics.tokenIssued('refresh_token');
    metrics.refused('grant_ended');
    const text = await metrics.text();
    expect(text).toContain('cardea_http_requests_total{route="/token",method="GET",status="200"} 1');
    expect(text).toContain('cardea_tokens_issued_total{grant_type="refresh_token"} 1');
    expect(text).toContain('cardea_refusals_total{reason="grant_ended"} 1');
  });

  test('a stranger cannot make a series of every word', async () => {
    const metrics = createMetrics({ process: false });
    for (let n = 0; n < 500; n++)
      metrics.request({ method: `M${n}`, route: `/${n}`, status: 404, seconds: 0 });
    const series = (await metrics.text()).match(/^cardea_http_requests_total\{/gm) ?? [];
    expect(series.length).toBeLessThanOrEqual(61);
  });
});
