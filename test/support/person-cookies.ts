// The scripted person's cookie jar, as much of RFC 6265 as a loopback server needs.
// `Secure` is ignored on loopback, as browsers do; cookies of other hosts are not kept apart, there is one host.

type Cookie = { name: string; value: string; path: string; expires: number };

// RFC 6265 §5.1.4: the default path is the request's directory.
const directory = (pathname: string): string => pathname.slice(0, pathname.lastIndexOf('/')) || '/';

const covers = (path: string, pathname: string): boolean =>
  pathname === path || (pathname.startsWith(path) && (path.endsWith('/') || pathname[path.length] === '/'));

const expiry = (attributes: Map<string, string>): number => {
  // RFC 6265 §5.3: Max-Age wins over Expires; a past moment deletes the cookie.
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined) return Date.now() + Number(maxAge) * 1000;
  const expires = attributes.get('expires');
  return expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires);
};

const parse = (line: string, pathname: string): Cookie => {
  const [pair = '', ...rest] = line.split(';');
  const split = pair.indexOf('=');
  const attributes = new Map(
    rest.map((attribute) => {
      const [name = '', ...value] = attribute.trim().split('=');
      return [name.toLowerCase(), value.join('=')] as const;
    }),
  );
  const path = attributes.get('path');
  return {
    name: pair.slice(0, split).trim(),
    value: pair.slice(split + 1).trim(),
    path: path?.startsWith('/') ? path : directory(pathname),
    expires: expiry(attributes),
  };
};

/** A jar for one host. `header(url)` is what a browser would send there, or undefined for nothing. */
export const cookieJar = () => {
  const cookies = new Map<string, Cookie>();
  const alive = (): Cookie[] => [...cookies.values()].filter((cookie) => cookie.expires > Date.now());
  return {
    keep(url: URL, setCookie: string[]): void {
      for (const line of setCookie) {
        const cookie = parse(line, url.pathname);
        const key = `${cookie.name}\0${cookie.path}`;
        if (cookie.expires > Date.now()) cookies.set(key, cookie);
        else cookies.delete(key);
      }
    },
    header(url: URL): string | undefined {
      // RFC 6265 §5.4: longer paths first.
      const sent = alive()
        .filter((cookie) => covers(cookie.path, url.pathname))
        .sort((a, b) => b.path.length - a.path.length);
      return sent.length > 0 ? sent.map(({ name, value }) => `${name}=${value}`).join('; ') : undefined;
    },
    names: (): string[] => alive().map(({ name }) => name),
    clear: (): void => cookies.clear(),
  };
};
