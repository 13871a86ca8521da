// An upstream's token for the bearer of a token: asked for once, kept while it holds, and typed when it cannot be had.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectRequired, createGuard, UpstreamFailed } from '../src/guard.ts';
import { type FakeIssuer, fakeIssuer } from './fake-issuer.ts';

const resource = 'https://library.example/mcp';
let issuer: FakeIssuer;
let now = Date.now();
let asked: URLSearchParams[] = [];

beforeAll(async () => {
  issuer = await fakeIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  now = Date.now();
  asked = [];
  issuer.state.exchange = (fields) => {
    asked.push(fields);
    const access_token = `upstream-${asked.length}`;
    return { status: 200, body: { access_token, token_type: 'Bearer', expires_in: 60, scope: 'a b' } };
  };
});

const guard = () =>
  createGuard({
    issuer: issuer.issuer,
    resource,
    scopes: {},
    introspection: { id: 'library-server', secret: 's&cret' },
    now: () => now,
  });

describe('upstreamToken', () => {
  it('shows the token of the request to the issuer, as the server that it is', async () => {
    const given = await guard().upstreamToken('company', { token: 'of-alice' }, { scope: 'a' });
    expect(given).toMatchObject({ accessToken: 'upstream-1', tokenType: 'Bearer', scopes: ['a', 'b'] });
    expect(Object.fromEntries(asked[0] ?? [])).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'of-alice',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'company',
      scope: 'a',
    });
  });

  it('asks once for many calls, again shortly before it runs out, and never mixes people or upstreams', async () => {
    const { upstreamToken } = guard();
    const many = await Promise.all(Array.from({ length: 20 }, () => upstreamToken('company', 'of-alice')));
    expect(new Set(many.map(({ accessToken }) => accessToken))).toEqual(new Set(['upstream-1']));
    now += 45_000;
    expect((await upstreamToken('company', { raw: 'of-alice' })).accessToken).toBe('upstream-1');
    now += 6_000;
    expect((await upstreamToken('company', 'of-alice')).accessToken).toBe('upstream-2');
    expect((await upstreamToken('company', 'of-bob')).accessToken).toBe('upstream-3');
    expect((await upstreamToken('weather', 'of-alice')).accessToken).toBe('upstream-4');
  });

  it('forgets a token that the upstream did not take, and no other', async () => {
    const { upstreamToken } = guard();
    const { accessToken: refused } = await upstreamToken('company', 'of-alice');
    await upstreamToken('company', 'of-bob');
    const many = await Promise.all(
      Array.from({ length: 20 }, () => upstreamToken('company', 'of-alice', { refused })),
    );
    expect(new Set(many.map(({ accessToken }) => accessToken))).toEqual(new Set(['upstream-3']));
    expect((await upstreamToken('company', 'of-alice', { refused })).accessToken).toBe('upstream-3');
    expect((await upstreamToken('company', 'of-bob', { refused })).accessToken).toBe('upstream-2');
  });

  it('says where the person can connect, in the words of URL mode elicitation too', async () => {
    const connect_uri = 'https://auth.example/connect/abc';
    issuer.state.exchange = () => ({
      status: 400,
      body: { error: 'connect_required', error_description: 'Not connected yet.', connect_uri },
    });
    const error = await guard()
      .upstreamToken('company', 'of-alice')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectRequired);
    expect(error).toMatchObject({
      upstream: 'company',
      connectUri: connect_uri,
      message: 'Not connected yet.',
    });
    expect((error as ConnectRequired).elicitation).toMatchObject({ mode: 'url', url: connect_uri });
  });

  it('fails in a type of its own for everything else, and is asked again the next time', async () => {
    const { upstreamToken } = guard();
    const good = issuer.state.exchange;
    issuer.state.exchange = () => ({ status: 503, body: { error: 'temporarily_unavailable' } });
    await expect(upstreamToken('company', 'of-alice')).rejects.toMatchObject({
      name: 'UpstreamFailed',
      code: 'temporarily_unavailable',
    });
    issuer.state.exchange = () => ({ status: 200, body: 'no token at all' });
    await expect(upstreamToken('company', 'of-alice')).rejects.toBeInstanceOf(UpstreamFailed);
    issuer.state.down.add('/token');
    await expect(upstreamToken('company', 'of-alice')).rejects.toMatchObject({ code: 'unreachable' });
    issuer.state.down.clear();
    issuer.state.exchange = good;
    expect((await upstreamToken('company', 'of-alice')).accessToken).toBe('upstream-1');
  });
});
