declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  export default function instance(provider: unknown): object | undefined;
}
declare module 'oidc-provider/lib/helpers/lru.js' {
  export default class LRU {
    constructor(options: { maxSize: number });
  }
}
