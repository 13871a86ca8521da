// What programs ask: the protocol's endpoints, with every grant type and every way to prove oneself.

import { SERVER } from '../support/server.ts';
import { CONFIDENTIAL, DEVICE_GRANT, type Scene } from './requests.ts';
import { basic, get, pairs, post, type Shot, send } from './shot.ts';

export function programs({ grant, asked, code, spent, tokens, device, managed, subject }: Scene): Shot[] {
  const client = grant.client_id;
  const [refresh_token = '', access_token = ''] = [tokens['refresh_token'], tokens['access_token']];
  const device_code = device['device_code'] ?? '';
  const management = new URL(managed['registration_client_uri'] ?? '').pathname;
  const bearer: [string, string] = ['Authorization', `Bearer ${managed['registration_access_token']}`];
  const own = basic(CONFIDENTIAL);
  const registration = {
    client_name: 'A fuzzed client',
    redirect_uris: ['http://127.0.0.1:3998/other'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'library:read',
    client_uri: 'https://app.example',
    contacts: ['a@app.example'],
    jwks: { keys: [] },
  };
  return [
    post('/token', pairs({ ...grant, code })),
    post('/token', pairs({ ...grant, code: spent })),
    post('/token', pairs({ ...grant, code, client_secret: CONFIDENTIAL.secret }), own),
    post('/token', pairs({ grant_type: 'refresh_token', refresh_token, client_id: client })),
    post(
      '/token',
      pairs({ grant_type: 'client_credentials', scope: 'library:read', resource: grant.resource }),
      own,
    ),
    post('/token', pairs({ grant_type: DEVICE_GRANT, device_code }), own),
    post('/token', pairs(subject), basic(SERVER)),
    post('/token', pairs({ ...subject, audience: 'company', scope: 'calendar:read' }), basic(SERVER)),
    post('/introspect', pairs({ token: access_token }), basic(SERVER)),
    post('/introspect', pairs({ token: refresh_token, token_type_hint: 'refresh_token' }), basic(SERVER)),
    post('/introspect', pairs({ token: access_token }), basic(SERVER), [
      'Accept',
      'application/token-introspection+jwt',
    ]),
    post('/revoke', pairs({ token: access_token, client_id: client })),
    post(
      '/par',
      pairs({ ...asked, client_id: CONFIDENTIAL.id, redirect_uri: 'https://app.example/cb' }),
      own,
    ),
    post('/par', pairs(asked)),
    post('/device_authorization', pairs({ resource: grant.resource, scope: 'library:read' }), own),
    send('POST', '/register', registration),
    get(management, bearer),
    send('PUT', management, { ...registration, client_id: managed['client_id'] }, bearer),
    { ...get(management, bearer), method: 'DELETE' },
    get('/jwks'),
    get('/.well-known/oauth-authorization-server'),
    get('/.well-known/openid-configuration'),
    get('/.well-known/oauth-authorization-server/mcp'),
    get('/health'),
    get('/ready'),
    get('/metrics'),
    get('/par'),
    get('/userinfo', ['Authorization', `Bearer ${access_token}`]),
  ];
}
