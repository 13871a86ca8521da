// A certificate authority that only tests trust, and a server certificate by it for app.example, evil.example,
// *.many.example, localhost and 127.0.0.1. The CA's own key was thrown away.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const read = (name: string): string => readFileSync(new URL(`./tls/${name}`, import.meta.url), 'utf8');

export const ca = read('ca.pem');
/** For NODE_EXTRA_CA_CERTS. */
export const caFile = fileURLToPath(new URL('./tls/ca.pem', import.meta.url));
export const serverTls = { key: read('server.key'), cert: read('server.pem') };
