// Whose metadata documents are believed, where an operator wants to say so.

export type DocumentHosts = {
  /** Only these; empty for all. `app.example`, or `*.app.example` for what lies below it. */
  allow: readonly string[];
  /** Never these, whatever is allowed. */
  deny: readonly string[];
};

// A name with a dot at its end is the same host to DNS.
const plain = (host: string): string => host.toLowerCase().replace(/\.+$/, '');

const fits = (host: string, pattern: string): boolean =>
  pattern.startsWith('*.') ? host.endsWith(plain(pattern.slice(1))) : host === plain(pattern);

/** Whether the document at `url` may be asked for. Hosts are compared whole, in the form that is looked up. */
export function hostAllowed(url: string, { allow, deny }: DocumentHosts): boolean {
  const host = plain(new URL(url).hostname);
  if (deny.some((pattern) => fits(host, pattern))) return false;
  return allow.length === 0 || allow.some((pattern) => fits(host, pattern));
}
