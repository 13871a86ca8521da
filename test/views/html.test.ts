import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foreignHost, foreignName } from '../../views/foreign.ts';
import { type Html, html, render } from '../../views/html.ts';
import { linkTo } from '../../views/parts.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '`', '&', '=', ' ', '/', '\0', 'a', '-', '!', ';') }),
);
const inside = (markup: string): string => markup.slice('<p title="'.length, -'"></p>'.length);

describe('html', () => {
  it('no text can end an attribute or begin an element', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(inside(render(html`<p title="${text}"></p>`))).not.toMatch(
          /[<>"'`\0]|&(?!(amp|lt|gt|quot|#39|#96);)/,
        );
      }),
    );
  });

  it('text is read back as it was written', () => {
    const entities: Record<string, string> = {
      amp: '&',
      lt: '<',
      gt: '>',
      quot: '"',
      '#39': "'",
      '#96': '`',
    };
    fc.assert(
      fc.property(anyText, (text) => {
        const back = render(html`${text}`).replace(/&([^;]+);/g, (_, name: string) => entities[name] ?? '?');
        expect(back).toBe(text.replaceAll('\0', '\uFFFD'));
      }),
    );
  });

  it('markup passes through once, and is never escaped twice', () => {
    expect(render(html`<p>${html`<b>${'a & b'}</b>`}</p>`)).toBe('<p><b>a &amp; b</b></p>');
  });

  it('arrays are joined, nothing stands for null, undefined, true and false, and 0 is a number', () => {
    expect(render(html`${[html`<i></i>`, '<', ['>', 0]]}${null}${undefined}${false}${true}`)).toBe(
      '<i></i>&lt;&gt;0',
    );
  });

  it('an object that looks like markup is refused', () => {
    expect(() => render({ toString: () => '<script>' } as unknown as Html)).toThrow(TypeError);
    expect(() => html`<p>${{ text: '<script>' } as unknown as Html}</p>`).toThrow(TypeError);
    expect(() => render('<script>' as unknown as Html)).toThrow(TypeError);
  });

  it('a value that would stand unquoted as an attribute is refused', () => {
    expect(() => html`<input value=${'x onfocus=alert(1)'}>`).toThrow('double quotes');
  });
});

describe('words of strangers', () => {
  const nameText = (name: string): string => render(foreignName(name)).replace(/<[^>]*>/g, '');

  it('a name cannot turn the direction of writing, break the line or hide characters', () => {
    expect(nameText('\u202Eelgoog\u0000\nVerified\u2066 by\u200B x\u{E0041}')).toBe('elgoog Verified by x');
  });

  it('a name in another script, or with a joined emoji, stays what it is', () => {
    expect(nameText('می\u200Cخواهم 👩\u200D🚀 Ünïcode')).toBe('می\u200Cخواهم 👩\u200D🚀 Ünïcode');
  });

  it('a name of nothing visible is called unnamed', () => {
    for (const nothing of ['', '   ', '\u202E\u200B', '\u200D\u200D'])
      expect(nameText(nothing)).toBe('an app without a name');
  });

  it('a long name is cut at 80 characters, never inside one', () => {
    const cut = nameText('🚪'.repeat(200));
    expect(Array.from(cut)).toHaveLength(80);
    expect(cut.endsWith('🚪…')).toBe(true);
  });

  it('a host is never cut: its end says who owns it', () => {
    const host = `accounts.google.com.${'a.'.repeat(110)}evil.example`;
    expect(render(foreignHost(host))).toContain(host);
  });
});

describe('links to addresses that came from outside', () => {
  it('an address that runs code or carries its own page is not linked', () => {
    for (const href of [
      'javascript:alert(1)',
      ' JaVaScRiPt:alert(1)',
      'java\tscript\n:x',
      '\u0001data:text/html,x',
      'vbscript:x',
      'blob:https://x/1',
      'file:///etc',
    ])
      expect(linkTo(href)).toBe('about:blank');
  });

  it('web addresses and the private schemes of apps are linked as they are', () => {
    for (const href of [
      'https://a.example/cb?x=1',
      'http://127.0.0.1:1/cb',
      'cursor://cb?code=1',
      'com.example.app:/cb',
    ])
      expect(linkTo(href)).toBe(href);
  });
});
