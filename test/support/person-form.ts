// Reads the forms of a page the way a browser would fill and send them untouched. Made for Cardea's own pages:
// it knows input and button, quoted attributes, and no scripts.

export type Control = {
  tag: 'input' | 'button';
  type: string;
  name: string;
  value: string;
  checked: boolean;
};

export type Form = { method: string; action: string; controls: Control[] };

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const decode = (text: string): string =>
  text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (decimal) return String.fromCodePoint(Number(decimal));
      return entities[name ?? ''] ?? whole;
    },
  );

const attributesOf = (source: string): Map<string, string> => {
  const found = new Map<string, string>();
  for (const match of source.matchAll(/([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    const [, name = '', double, single, bare] = match;
    found.set(name.toLowerCase(), decode(double ?? single ?? bare ?? ''));
  }
  return found;
};

// A `>` inside a quoted attribute does not end the tag.
const tags = (name: string): RegExp => new RegExp(`<(${name})\\b((?:[^>"']|"[^"]*"|'[^']*')*)>`, 'gi');

/** The inputs and buttons of a piece of a page, in order. */
export const controlsOf = (source: string): Control[] =>
  [...source.matchAll(tags('input|button'))].map(([, tag = '', rest = '']) => {
    const attributes = attributesOf(rest);
    const isInput = tag.toLowerCase() === 'input';
    const type = (attributes.get('type') ?? (isInput ? 'text' : 'submit')).toLowerCase();
    return {
      tag: isInput ? 'input' : 'button',
      type,
      name: attributes.get('name') ?? '',
      value: attributes.get('value') ?? (type === 'checkbox' ? 'on' : ''),
      checked: attributes.has('checked'),
    };
  });

/** Every form of a page, in order; `action` resolved against the page's address. */
export const formsOf = (html: string, pageUrl: URL): Form[] => {
  const openings = [...html.matchAll(tags('form'))];
  return openings.map((opening) => {
    const attributes = attributesOf(opening[2] ?? '');
    const start = opening.index + opening[0].length;
    const end = html.indexOf('</form', start);
    return {
      method: (attributes.get('method') ?? 'get').toUpperCase(),
      action: new URL(attributes.get('action') || pageUrl.href, pageUrl).href,
      controls: controlsOf(html.slice(start, end < 0 ? undefined : end)),
    };
  });
};

/** The address of the page's link that looks like a button, if it has one: how an interstitial page is left. */
export const proceedLink = (html: string, pageUrl: URL): string | undefined => {
  for (const [, , rest = ''] of html.matchAll(tags('a'))) {
    const attributes = attributesOf(rest);
    const href = attributes.get('href');
    if (href && /\bbutton\b/.test(attributes.get('class') ?? '')) return new URL(href, pageUrl).href;
  }
  return undefined;
};

/** What a page says, without its markup: for error messages. */
export const textOf = (html: string): string =>
  decode(
    html
      .replace(/<(head|style|script|svg)\b[\s\S]*?<\/\1>/gi, ' ')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  );

/** What the page announces as wrong (role=alert), if anything. */
export const alertOf = (html: string): string | undefined => {
  const match = /<(\w+)[^>]*role="alert"[^>]*>([\s\S]*?)<\/\1>/i.exec(html);
  return match ? textOf(match[2] ?? '') : undefined;
};
