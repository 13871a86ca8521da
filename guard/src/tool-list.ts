// Takes the tools that a token may not call out of `tools/list` answers on their way to the client.
// It is courtesy, not protection: a call to a hidden tool is refused before it reaches the server.

/** Rewrites one JSON-RPC message or batch; anything else is returned as it came. */
export type RewriteMessage = (message: unknown) => unknown;

/**
 * `lists` are the ids of the requests that asked for tools. On a stream that a client resumes they are not known:
 * then whatever looks like a list of tools is one.
 */
export function toolListRewriter(
  shows: (tool: string) => boolean,
  lists?: ReadonlySet<unknown>,
): RewriteMessage {
  const one = (message: unknown): unknown => {
    if (!isObject(message) || !isObject(message.result)) return message;
    const { tools } = message.result;
    if (!Array.isArray(tools)) return message;
    const meant = lists
      ? lists.has(message.id)
      : tools.every((tool) => isObject(tool) && 'inputSchema' in tool);
    if (!meant) return message;
    const shown = tools.filter((tool) => isObject(tool) && typeof tool.name === 'string' && shows(tool.name));
    return { ...message, result: { ...message.result, tools: shown } };
  };
  return (message) => (Array.isArray(message) ? message.map(one) : one(message));
}

/** Rewrites a whole JSON body. What is not JSON is no list for anybody, and stays. */
export function rewriteJson(text: string, rewrite: RewriteMessage): string {
  try {
    return JSON.stringify(rewrite(JSON.parse(text)));
  } catch {
    return text;
  }
}

/**
 * Rewrites a `text/event-stream` as it passes; each event leaves as soon as it is complete.
 * One that never completes is dropped, as the client would drop it (HTML, server-sent events §9.2.6).
 */
export function eventStreamRewriter(rewrite: RewriteMessage) {
  const decoder = new TextDecoder();
  let rest = '';
  let event: string[] = [];
  const line = (text: string): string => {
    event.push(text);
    if (text !== '') return '';
    const written = writeEvent(event, rewrite);
    event = [];
    return written;
  };
  return {
    /** Bytes in, text out: as many events as are complete. */
    push(bytes: Uint8Array): string {
      rest += decoder.decode(bytes, { stream: true });
      // A CR at the end may be half of a CRLF: wait for what follows.
      const held = rest.endsWith('\r') ? '\r' : '';
      const lines = (held ? rest.slice(0, -1) : rest).split(/\r\n|\r|\n/);
      rest = (lines.pop() ?? '') + held;
      return lines.map(line).join('');
    },
  };
}

function writeEvent(lines: string[], rewrite: RewriteMessage): string {
  const isData = (text: string) => text === 'data' || text.startsWith('data:');
  const data = lines.filter(isData).map((text) => text.slice(5).replace(/^ /, ''));
  if (data.length === 0) return `${lines.join('\n')}\n`;
  const fields = lines.filter((text) => text !== '' && !isData(text));
  const rewritten = rewriteJson(data.join('\n'), rewrite).split('\n');
  return [...fields, ...rewritten.map((text) => `data: ${text}`)].concat('', '').join('\n');
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
