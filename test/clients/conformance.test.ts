import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libraryResource } from '../../examples/library/resource.ts';
import { type Cardea, freePort, startCardea } from '../support/cardea.ts';
import { deliver, headlessHome, packaged, startClient } from '../support/client-process.ts';
import { person } from '../support/person.ts';

const tool = packaged('@modelcontextprotocol/conformance/dist/index.js');
const resource = 'http://127.0.0.1:4100/mcp';
const alex = { username: 'alex', password: 'a long password of a test person' };

describe('the official conformance tool', () => {
  let cardea: Cardea;
  let port: number;
  let home: Awaited<ReturnType<typeof headlessHome>>;

  beforeAll(async () => {
    home = await headlessHome();
    port = await freePort();
    cardea = await startCardea({
      config: {
        resources: [libraryResource(resource, 'library-secret-of-a-test-library-secret')],
        // The tool prefers `none` whenever the server offers it, even with a secret: so a public client.
        clients: [
          { id: 'conformance', name: 'Conformance', redirect_uris: [`http://127.0.0.1:${port}/callback`] },
        ],
      },
    });
    await cardea.addAccount(alex.username, alex.password);
  });

  afterAll(async () => {
    await cardea?.stop();
    await home?.remove();
  });

  test.each(['2025-11-25', '2026-07-28'])('every check of %s passes', async (version) => {
    const args = [
      'authorization',
      '--url',
      cardea.issuer,
      '--client-id',
      'conformance',
      '--resource',
      resource,
    ];
    args.push('--port', String(port), '--spec-version', version, '--output-dir', home.home);
    const run = startClient(tool, args, { env: home.env, cwd: home.home });
    const [, url = ''] = await run.printed(/^(https?:\/\/\S+\?response_type=code\S*)$/m);
    await deliver(await person(alex).approve(url));
    expect(await run.ended, run.output()).toBe(0);
    // A check that is skipped is counted as neither, and the exit code would still be 0.
    expect(run.output()).toMatch(/Total: [1-9]\d* passed, 0 failed/);
    expect(run.output()).toMatch(/authorization-code-grant: [1-9]\d* passed/);
  });
});
