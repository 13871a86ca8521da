// What the company's provider keeps, in memory: gone when it stops, which is what an example wants.

import type { Adapter, AdapterPayload } from 'oidc-provider';

export function memory(): (model: string) => Adapter {
  const kept = new Map<string, { model: string; payload: AdapterPayload; until: number }>();

  return (model) => {
    const found = (fits: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      for (const each of kept.values()) {
        if (each.model === model && each.until > Date.now() && fits(each.payload)) return each.payload;
      }
      return undefined;
    };
    return {
      async upsert(id, payload, expiresIn) {
        kept.set(`${model} ${id}`, { model, payload, until: Date.now() + (expiresIn ?? 86_400) * 1000 });
      },
      async find(id) {
        const there = kept.get(`${model} ${id}`);
        return there && there.until > Date.now() ? there.payload : undefined;
      },
      findByUid: async (uid) => found((payload) => payload.uid === uid),
      findByUserCode: async (code) => found((payload) => payload.userCode === code),
      async consume(id) {
        const there = kept.get(`${model} ${id}`);
        if (there) there.payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        kept.delete(`${model} ${id}`);
      },
      async revokeByGrantId(grantId) {
        for (const [key, each] of kept) {
          if (each.model === model && each.payload.grantId === grantId) kept.delete(key);
        }
      },
    };
  };
}
