// Starts what the demo shows: a Cardea process, the library it protects, the company whose calendar the library reads,
// and one person who can sign in.
// Owns their lives and their temporary files; prints nothing. Called by examples/demo.ts.

import { createHash, randomBytes } from 'node:crypto';
import { type Cardea, freePort, startCardea } from '../../test/support/cardea.ts';
import { people } from '../company/people.ts';
import { startCompany } from '../company/provider.ts';
import { libraryResource } from '../library/resource.ts';
import { startLibrary } from '../library/server.ts';
import { type Transcript, transcript } from './transcript.ts';

export type House = {
  issuer: string;
  /** The MCP server's address, which is also the resource. */
  mcp: string;
  person: { username: string; password: string };
  /** The OpenID provider of the company, and who can sign in there without a password. */
  company: { issuer: string; people: readonly string[] };
  /** What the MCP server introspects with. */
  introspection: { id: string; secret: string };
  record: Transcript;
  /** Resolves when Cardea ends by itself. */
  ended: Promise<number>;
  close(): Promise<void>;
};

export type Options = {
  database: string | undefined;
  key: string | undefined;
  transcriptFile: string | undefined;
};

const secret = (bytes: number): string => randomBytes(bytes).toString('base64url');

// A database that outlives the demo holds values sealed under its key, and the next demo must open them again.
const lastingKey = (database: string): string =>
  createHash('sha256').update('cardea demo\0').update(database).digest('base64url');

/** An account with a new password; when an earlier demo left its own `alex` in the database, another name. */
const addPerson = async (cardea: Cardea): Promise<House['person']> => {
  const password = secret(12);
  try {
    await cardea.addAccount('alex', password);
    return { username: 'alex', password };
  } catch (error) {
    const username = `alex-${randomBytes(3).toString('hex')}`;
    await cardea.addAccount(username, password).catch(() => {
      throw error;
    });
    return { username, password };
  }
};

export const openHouse = async ({ database, key, transcriptFile }: Options): Promise<House> => {
  const port = await freePort(4000);
  const issuer = `http://127.0.0.1:${port}`;
  const libraryPort = await freePort(4100);
  const mcp = `http://127.0.0.1:${libraryPort}/mcp`;
  const introspection = { id: 'library-server', secret: secret(32) };
  const record = transcript(transcriptFile, issuer);

  const known = { id: 'cardea', secret: secret(32) };
  const company = await startCompany({
    port: await freePort(4200),
    clients: [{ ...known, redirectUris: [`${issuer}/upstream/company/callback`] }],
  });
  const upstream = {
    name: 'company',
    kind: 'oidc',
    label: 'Acme',
    issuer: company.issuer,
    client_id: known.id,
    client_secret: known.secret,
    vault: { scopes: ['openid', 'offline_access', 'calendar:read'] },
  };
  const starting = startCardea({
    port,
    config: {
      resources: [libraryResource(mcp, introspection.secret, { calendar: true })],
      upstreams: [upstream],
    },
    ...(database && { database, env: { CARDEA_KEY: key ?? lastingKey(database) } }),
  });
  const cardea = await starting.catch(async (error: unknown) => {
    await company.close();
    throw error;
  });
  try {
    const library = await startLibrary({
      port: libraryPort,
      issuer,
      resource: mcp,
      introspection,
      calendar: company.calendar,
      fetch: record.fetchAs('mcp-server'),
    });
    return {
      issuer,
      mcp,
      person: await addPerson(cardea),
      company: { issuer: company.issuer, people: people.map(({ id }) => id) },
      introspection,
      record,
      ended: cardea.ended,
      async close() {
        await library.close();
        await cardea.stop();
        await company.close();
      },
    };
  } catch (error) {
    await cardea.stop();
    await company.close();
    throw error;
  }
};
