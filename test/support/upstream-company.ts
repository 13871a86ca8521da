// The example company, and a browser of one of its people that goes there and back: for tests that need a real
// OpenID provider. Follows redirects until one leads to `redirectUri`, which is not asked.

import { type CompanyOptions, startCompany } from '../../examples/company/provider.ts';

export const CLIENT = { id: 'cardea-at-acme', secret: 'a secret/of+the company: 0001' };

export const company = (redirectUri: string, options: Partial<CompanyOptions> = {}) =>
  startCompany({ clients: [{ ...CLIENT, redirectUris: [redirectUri] }], ...options });

/** Signs in as `login` and allows what is asked, or cancels; the parameters of the callback. */
export async function visit(
  url: URL,
  redirectUri: string,
  login: string | 'cancel',
): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let next = url;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 12; step += 1) {
    if (next.href.startsWith(`${redirectUri}?`)) return next.searchParams;
    const response = await fetch(next, {
      redirect: 'manual',
      method: form ? 'POST' : 'GET',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { body: form }),
    });
    form = undefined;
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = response.headers.get('location');
    if (location) next = new URL(location, next);
    else {
      const html = await response.text();
      if (response.status !== 200 || !html.includes('<form'))
        throw new Error(`${next} answered ${response.status} ${html}`);
      form = new URLSearchParams(
        login === 'cancel' ? { cancel: '1' } : html.includes('name="login"') ? { login } : { allow: '1' },
      );
    }
  }
  throw new Error(`no end of redirects from ${url}`);
}
