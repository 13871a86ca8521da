// A Cardea and the example library that it protects, for tests of real clients: ports chosen, account made.

import { libraryResource } from '../../examples/library/resource.ts';
import { startLibrary } from '../../examples/library/server.ts';
import { freePort, startCardea } from './cardea.ts';
import { person } from './person.ts';

const secret = 'library-secret-of-a-test-library-secret';

/** `clients` are declared in Cardea's configuration in the YAML's shape; `env` is for its process. */
export const protectedLibrary = async (
  clients: Array<Record<string, unknown>> = [],
  env: Record<string, string> = {},
) => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/mcp`;
  const cardea = await startCardea({ config: { resources: [libraryResource(url, secret)], clients }, env });
  const introspection = { id: 'library-server', secret };
  const library = await startLibrary({ port, issuer: cardea.issuer, resource: url, introspection });
  const alex = { username: 'alex', password: 'a long password of a test person' };
  await cardea.addAccount(alex.username, alex.password);
  return {
    cardea,
    issuer: cardea.issuer,
    url,
    introspection,
    /** Whether the library would be told that this token is good. */
    async active(token: string): Promise<boolean> {
      const basic = Buffer.from(`${introspection.id}:${secret}`).toString('base64');
      const response = await fetch(`${cardea.issuer}/introspect`, {
        method: 'POST',
        headers: { authorization: `Basic ${basic}` },
        body: new URLSearchParams({ token }),
      });
      return ((await response.json()) as { active: boolean }).active;
    },
    /** A new browser of the same person. */
    alex: () => person(alex),
    credentials: alex,
    async stop(): Promise<void> {
      await library.close();
      await cardea.stop();
    },
  };
};

export type ProtectedLibrary = Awaited<ReturnType<typeof protectedLibrary>>;
