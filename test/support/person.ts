// A person with a browser, played by a script: cookies, redirects and forms over plain HTTP, no scripts, no pixels.
// Signs in, reads the consent page, ticks and unticks, and stops where the browser would leave the issuer.
// Called by tests and by the demo's check.

import { cookieJar } from './person-cookies.ts';
import { alertOf, type Control, type Form, formsOf, proceedLink, textOf } from './person-form.ts';
import { isBox, toolOf } from './person-tools.ts';

export type View = { url: URL; status: number; html: string };

export type Decision = {
  /** Tool names (or, for a scope without tools, the scope) to leave out; each must be on the page. */
  untick?: string[];
  /** The same, to add. */
  tick?: string[];
  /** Only these values are sent as ticks, whether the page offers them or not. */
  only?: string[];
  deny?: boolean;
  /** Sees every page on the way; throw to fail. */
  inspect?: (html: string, kind: PageKind) => void;
};

export type PageKind = 'sign-in' | 'consent' | 'other';

export type Options = {
  username: string;
  password: string;
  fetch?: typeof fetch;
  /** Signs in with this upstream instead: `visit` goes there and says where it leads back to. */
  elsewhere?: { upstream: string; visit: (url: URL) => Promise<string> };
};

const mostSteps = 25;

const has = (form: Form, name: string): boolean => form.controls.some((control) => control.name === name);

const kindOf = (form: Form): PageKind =>
  has(form, 'decision') ? 'consent' : has(form, 'password') ? 'sign-in' : 'other';

/**
 * `approve(url)` goes from an authorization URL to the client's callback and returns that address (with `code`
 * or `error`). Throws, saying which page it was on, when a page asks something it does not understand.
 */
export const person = ({ username, password, fetch: send = fetch, elsewhere }: Options) => {
  const jar = cookieJar();

  const request = async (url: URL, form?: URLSearchParams): Promise<Response> => {
    const cookie = jar.header(url);
    const response = await send(url.href, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: {
        accept: 'text/html,application/xhtml+xml',
        ...(cookie && { cookie }),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded', origin: url.origin }),
      },
      ...(form && { body: form.toString() }),
    });
    jar.keep(url, response.headers.getSetCookie());
    return response;
  };

  /** Follows redirects while they stay on `url`'s origin; an address elsewhere is returned, not fetched. */
  const go = async (start: string, first?: URLSearchParams): Promise<View | string> => {
    const origin = new URL(start).origin;
    let url = new URL(start);
    let form = first;
    for (let step = 0; step < mostSteps; step += 1) {
      const response = await request(url, form);
      const location = response.headers.get('location');
      const html = await response.text();
      if (response.status < 300 || response.status >= 400 || !location)
        return { url, status: response.status, html };
      const next = new URL(location, url);
      if (next.origin !== origin) return next.href;
      // RFC 9110 §15.4: 307 and 308 repeat the request, the others become GET.
      if (![307, 308].includes(response.status)) form = undefined;
      url = next;
    }
    throw new Error(`more than ${mostSteps} redirects, the last to ${url.href}`);
  };

  /** Sends a form as it stands, with `fields` set and `button` pressed. */
  const submit = (
    form: Form,
    fields: Record<string, string> = {},
    button?: Control,
  ): Promise<View | string> => {
    const body = new URLSearchParams();
    for (const control of form.controls) {
      if (control.tag === 'button' || !control.name || control.type === 'submit') continue;
      if (['checkbox', 'radio'].includes(control.type) && !control.checked) continue;
      body.append(control.name, fields[control.name] ?? control.value);
    }
    if (button?.name) body.append(button.name, button.value);
    return go(form.action, body);
  };

  const is = (name: string, value: string) => (control: Control) =>
    control.name === name && control.value === value;

  const press = async (
    { html, url }: View,
    name: string,
    value: string,
    fields: Record<string, string> = {},
  ): Promise<View | string> => {
    const form = formsOf(html, url).find(({ controls }) => controls.some(is(name, value)));
    if (!form) throw new Error(`no button ${name}=${value} at ${url.pathname}: ${textOf(html)}`);
    return submit(form, fields, form.controls.find(is(name, value)));
  };

  const signIn = async (form: Form, view: View): Promise<View | string> => {
    if (!elsewhere) return submit(form, { username, password });
    const away = await press(view, 'upstream', elsewhere.upstream);
    return typeof away === 'string' ? go(await elsewhere.visit(new URL(away))) : away;
  };

  const decide = (
    form: Form,
    { untick = [], tick = [], only, deny = false }: Decision,
  ): Promise<View | string> => {
    const boxes = form.controls.filter(isBox);
    for (const wanted of [...untick, ...tick]) {
      if (!boxes.some((box) => toolOf(box) === wanted)) {
        throw new Error(`consent does not offer ${wanted}, only: ${boxes.map(toolOf).join(', ')}`);
      }
    }
    const checked = (box: Control): boolean =>
      tick.includes(toolOf(box)) || (box.checked && !untick.includes(toolOf(box)));
    const controls = form.controls.map((control) =>
      isBox(control) ? { ...control, checked: checked(control) } : control,
    );
    const pressed = controls.find(is('decision', deny ? 'deny' : 'allow'));
    if (!pressed) throw new Error(`consent has no ${deny ? 'deny' : 'allow'} button`);
    if (only) {
      const rest = controls.filter((control) => !isBox(control));
      const box = controls.find(isBox);
      const ticked = only.map((value) => ({ ...(box as Control), value, checked: true }));
      return submit({ ...form, controls: [...rest, ...ticked] }, {}, pressed);
    }
    return submit({ ...form, controls }, {}, pressed);
  };

  const answer = (view: View, form: Form | undefined, decision: Decision): Promise<View | string> => {
    if (!form) {
      const href = proceedLink(view.html, view.url);
      if (href && view.status === 200) return Promise.resolve(href);
      throw new Error(`stuck at ${view.url.pathname} (${view.status}): ${textOf(view.html)}`);
    }
    const kind = kindOf(form);
    if (kind === 'sign-in') return signIn(form, view);
    if (kind === 'consent') return decide(form, decision);
    return submit(
      form,
      {},
      form.controls.find(({ type }) => type === 'submit'),
    );
  };

  const approve = async (authorizationUrl: string | URL, decision: Decision = {}): Promise<string> => {
    let at = await go(String(authorizationUrl));
    let before: string | undefined;
    for (let step = 0; typeof at !== 'string'; step += 1) {
      // What is asked is the page's main form; a page may carry others, such as signing out.
      const forms = formsOf(at.html, at.url);
      const form = forms.find((candidate) => kindOf(candidate) !== 'other') ?? forms[0];
      const kind = form ? kindOf(form) : 'other';
      decision.inspect?.(at.html, kind);
      const wrong = alertOf(at.html);
      if ((kind !== 'other' && kind === before) || step >= mostSteps) {
        throw new Error(`the ${kind} page came back (${at.status}): ${wrong ?? textOf(at.html)}`);
      }
      before = kind;
      at = await answer(at, form, decision);
    }
    return at;
  };

  const page = async (at: View | string): Promise<View> => {
    if (typeof at === 'string') throw new Error(`left the issuer for ${at}`);
    return at;
  };

  return {
    approve,
    /** A page of the issuer, after redirects. */
    visit: async (url: string | URL): Promise<View> => page(await go(String(url))),
    /** Presses the first button of the page's form that `choose` picks, with `fields` filled in. */
    send: async (
      view: View,
      choose: (form: Form) => boolean,
      fields: Record<string, string> = {},
    ): Promise<View> => {
      const form = formsOf(view.html, view.url).find(choose);
      if (!form) throw new Error(`no such form at ${view.url.pathname}: ${textOf(view.html)}`);
      return page(
        await submit(
          form,
          fields,
          form.controls.find(({ type }) => type === 'submit'),
        ),
      );
    },
    /** As `visit`, but may end outside: then it is the address. */
    open: (url: string | URL): Promise<View | string> => go(String(url)),
    /** Presses the button of this name and value, in whichever form it is; an address when it leads away. */
    press: async (
      view: View | string,
      name: string,
      value: string,
      fields: Record<string, string> = {},
    ): Promise<View | string> => press(await page(view), name, value, fields),
    /** Outside a flow, at /sign-in. */
    signIn: async (issuer: string): Promise<View> => {
      const view = await page(await go(`${issuer}/sign-in`));
      const form = formsOf(view.html, view.url).find((candidate) => kindOf(candidate) === 'sign-in');
      if (!form) throw new Error(`no sign-in form at ${view.url.pathname}: ${textOf(view.html)}`);
      return page(await signIn(form, view));
    },
    cookies: jar,
  };
};

export type Person = ReturnType<typeof person>;
