// What a browser asks: the way of a person through sign-in, consent, device and connections, and the ways upstream.

import { CONFIDENTIAL, PASSWORD, type Scene } from './requests.ts';
import { get, type Pairs, pairs, post, type Shot } from './shot.ts';

const BROWSER: [string, string] = ['Accept', 'text/html,application/xhtml+xml'];

export function pages(scene: Scene): Shot[] {
  const { issuer, asked, uid, cookie, consent, typing, deciding, connections, connect, pushed } = scene;
  const origin: [string, string] = ['Origin', issuer];
  const signing: Pairs = [...pairs({ username: 'alex', password: PASSWORD }), ['csrf', 'x']];
  const open = (path: string): Shot => get(path, BROWSER, cookie(path));
  const press = (path: string, form: Pairs): Shot => post(path, form, BROWSER, origin, cookie(path));
  return [
    { ...open('/authorize'), query: pairs(asked) },
    { ...get('/authorize', BROWSER), query: pairs({ ...asked, prompt: 'none' }) },
    { ...get('/authorize', ['Accept', 'application/json']), query: pairs(asked) },
    {
      ...get('/authorize'),
      query: pairs({ ...asked, client_id: CONFIDENTIAL.id, redirect_uri: 'https://app.example/cb' }),
    },
    {
      ...open('/authorize'),
      query: pairs({ client_id: CONFIDENTIAL.id, request_uri: pushed['request_uri'] ?? '' }),
    },
    // going on with nothing to go on with, as if it were a new request (one that names no redirect_uri)
    { ...get(`/authorize/${uid}`, BROWSER), query: pairs(asked).filter(([name]) => name !== 'redirect_uri') },
    open(`/authorize/${uid}`),
    open(`/interaction/${uid}`),
    press(`/interaction/${uid}`, consent),
    open(`/interaction/${uid}/upstream`),
    get('/sign-in', BROWSER),
    press('/sign-in', signing),
    press('/sign-in', [['upstream', 'door'], ...signing]),
    {
      ...open('/upstream/door/callback'),
      query: pairs({ code: 'a-code', state: 'a-state', iss: issuer }),
    },
    { ...open('/upstream/company/callback'), query: pairs({ error: 'access_denied', state: 'a-state' }) },
    open('/sign-out'),
    press('/sign-out', [['csrf', 'x']]),
    open('/connections'),
    press('/connections/end', connections),
    press('/connections/end-all', connections),
    press('/connections/ways-in/add', [['upstream', 'door'], ...connections]),
    press('/connections/ways-in/remove', [['way', 'w'], ...connections]),
    press('/connections/upstreams/end', [['held', 'h'], ...connections]),
    open(connect.path),
    press(connect.path, [...connect.fields, ['key', 'a-key-that-somebody-pastes']]),
    open('/device'),
    press('/device', typing),
    press('/device/decide', deciding),
    open('/device/allowed'),
    open('/device/denied'),
    get('/setup/canary-of-a-setup-link-0000000003', BROWSER),
    post('/setup/canary-of-a-setup-link-0000000003', [...signing, ['repeat', PASSWORD]], BROWSER, origin),
    open('/'),
    get('/public/cardea.css'),
    get('/no/such/page', BROWSER),
  ];
}
