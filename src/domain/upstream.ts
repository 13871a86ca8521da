// Upstreams: the identity providers and services that are declared or were added, each with the connector that speaks
// its protocol. It owns their secrets and how they are reached; who signs in with them and what is kept of it is for
// accounts and the vault. Small and read often, so it is kept in memory and read again when asked.

import type { Clock } from '../clock.ts';
import type { KeyUpstream, OAuthUpstream, UpstreamDeclaration } from '../config.ts';
import { digest, type KeyRing } from '../crypto.ts';
import { Refusal } from '../errors.ts';
import type { Outbound } from '../outbound.ts';
import type { Work } from '../storage/commit.ts';
import type { UpstreamRow, UpstreamStore } from '../storage/upstreams.ts';
import type { Audit } from './audit.ts';
import type { Connector, Finding } from './upstream/connector.ts';
import { door } from './upstream/door.ts';
import { entra } from './upstream/entra.ts';
import { github } from './upstream/github.ts';
import { google } from './upstream/google.ts';
import { plain } from './upstream/habits.ts';
import { oidc } from './upstream/oidc.ts';
import { okta } from './upstream/okta.ts';
import { openCredential, sealCredential } from './upstream/sealed.ts';

export type Upstream = { origin: 'declared' | 'added' } & (
  | { declaration: OAuthUpstream; connector: Connector }
  | { declaration: KeyUpstream; connector?: undefined }
);

type Entry = {
  origin: Upstream['origin'];
  declaration: UpstreamDeclaration;
  /** Of what it was made from: as long as it stays the same, so does the connector with what it has learnt. */
  made: string;
  upstream: Upstream | Refusal;
};

const HABITS = { oidc: plain, google, entra, okta };

export function upstreams({
  store,
  ring,
  audit,
  clock,
  outbound,
}: {
  store: UpstreamStore;
  ring: KeyRing;
  audit: Audit;
  clock: Clock;
  outbound: Outbound;
}) {
  let known = new Map<string, Entry>();

  function connectorFor(declaration: OAuthUpstream): Connector {
    const out = door({ outbound, clock, named: declaration });
    return declaration.kind === 'github'
      ? github({ declaration, door: out, clock })
      : oidc({ declaration, habits: HABITS[declaration.kind], door: out, clock });
  }

  function entry(row: UpstreamRow): Entry {
    const said = row.declaration as UpstreamDeclaration;
    const declaration = { ...said, name: row.name };
    const origin = row.origin as Upstream['origin'];
    const build = (credential?: OAuthUpstream['credential']): Entry => {
      const secret =
        credential && digest('upstream secret', `${credential.kind} ${credential.value.reveal()}`);
      const made = JSON.stringify([declaration, origin, secret ?? null]);
      const before = known.get(row.name);
      if (before?.made === made) return before;
      if (declaration.kind === 'key') return { origin, declaration, made, upstream: { origin, declaration } };
      const whole: OAuthUpstream = { ...declaration, ...(credential && { credential }) };
      return {
        origin,
        declaration: whole,
        made,
        upstream: { origin, declaration: whole, connector: connectorFor(whole) },
      };
    };
    try {
      return declaration.kind !== 'key' && row.secret
        ? build(openCredential(ring, declaration, row.secret))
        : build();
    } catch (error) {
      // One that cannot be used is no reason to do without the others.
      if (error instanceof Refusal) return { origin, declaration, made: '', upstream: error };
      throw error;
    }
  }

  function save(work: Work, declared: UpstreamDeclaration, origin: Upstream['origin']): void {
    const { credential, ...declaration } = declared as OAuthUpstream;
    const secret = credential ? sealCredential(ring, declaration, credential) : null;
    work.add(store.save({ name: declared.name, origin, declaration, secret, createdAt: clock() }));
    const { kind } = declared;
    const issuer = declared.kind === 'key' ? undefined : declared.issuer;
    audit.record(work, { action: `upstream.${origin}`, detail: { name: declared.name, kind, issuer } });
  }

  const unchanged = (declared: UpstreamDeclaration, there: Entry | undefined): boolean => {
    if (there?.origin !== 'declared' || there.upstream instanceof Refusal) return false;
    const shown = (each: UpstreamDeclaration): string => {
      const { credential, ...said } = each as OAuthUpstream;
      return JSON.stringify([said, credential?.kind, credential?.value.reveal()]);
    };
    return shown(declared) === shown(there.declaration);
  };

  async function refresh(): Promise<void> {
    known = new Map((await store.list()).map((row) => [row.name, entry(row)]));
  }

  const unknown = (name: string): Refusal =>
    new Refusal(`There is no upstream ${JSON.stringify(name)}.`, {
      reason: 'upstream_unknown',
      status: 404,
      hint: '`cardea upstream list` shows them.',
    });

  function declaredThere(name: string): void {
    if (known.get(name)?.origin !== 'declared') return;
    throw new Refusal(`${name} is declared in the configuration file.`, {
      reason: 'upstream_declared',
      hint: 'Change it there.',
    });
  }

  return {
    /** Reads the registry anew; a change made by another process is seen after this. */
    refresh,

    /** Those that can be used, by name. */
    all: (): Upstream[] =>
      [...known.values()].flatMap(({ upstream }) => (upstream instanceof Refusal ? [] : [upstream])),

    /** Every one, also those that cannot be used, and why not. */
    list: (): { origin: Upstream['origin']; declaration: UpstreamDeclaration; problem?: string }[] =>
      [...known.values()].map(({ origin, declaration, upstream }) => ({
        origin,
        declaration,
        ...(upstream instanceof Refusal && { problem: (upstream.cause as Error).message }),
      })),

    /** Throws a Refusal when it is there and cannot be used, because its secret does not open. */
    find(name: string): Upstream | undefined {
      const upstream = known.get(name)?.upstream;
      if (upstream instanceof Refusal) throw upstream;
      return upstream;
    },

    /**
     * Makes the registry say what the configuration says. One that has left it can no longer be used; who is who there
     * is remembered, should it come back.
     */
    async declare(work: Work, declared: readonly UpstreamDeclaration[]): Promise<void> {
      await refresh();
      for (const each of declared) if (!unchanged(each, known.get(each.name))) save(work, each, 'declared');
      const names = new Set(declared.map(({ name }) => name));
      for (const [name, { origin }] of known) {
        if (origin !== 'declared' || names.has(name)) continue;
        work.add(store.remove(name));
        audit.record(work, { action: 'upstream.removed', detail: { name } });
      }
    },

    /** Adds one, or replaces one that was added. Throws a Refusal where the configuration declares it. */
    async add(work: Work, declaration: UpstreamDeclaration): Promise<void> {
      await refresh();
      declaredThere(declaration.name);
      save(work, declaration, 'added');
    },

    async remove(work: Work, name: string): Promise<void> {
      await refresh();
      if (!known.has(name)) throw unknown(name);
      declaredThere(name);
      work.add(store.remove(name));
      audit.record(work, { action: 'upstream.removed', detail: { name } });
    },

    /**
     * What works and what is wrong with one: of `declared` as it stands there, also if no server has read it yet.
     * Throws a Refusal when there is no such upstream.
     */
    async test(
      name: string,
      { declared, redirectUri }: { declared: readonly UpstreamDeclaration[]; redirectUri: string },
    ): Promise<Finding[]> {
      const said = declared.find((each) => each.name === name);
      const there = said ? undefined : known.get(name);
      const declaration = said ?? there?.declaration;
      if (!declaration) throw unknown(name);
      if (there?.upstream instanceof Refusal)
        return [{ ok: false, what: `It cannot be used: ${(there.upstream.cause as Error).message}.` }];
      if (declaration.kind === 'key')
        return [{ ok: true, what: 'People paste a key; there is nothing to ask.' }];
      return connectorFor(declaration).test(redirectUri);
    },
  };
}

export type Upstreams = ReturnType<typeof upstreams>;
