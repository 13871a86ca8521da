// What a JSON-RPC body asks for: which tools it calls, which of its requests list tools.
import { Refused } from './refusal.ts';

export type Calls = {
  /** Names of the tools called, in order. */
  tools: string[];
  /** Ids of the `tools/list` requests. */
  lists: Set<unknown>;
};

/** Reads one message or a batch. Throws Refused (400) for what a lenient server might read differently from us. */
export function readCalls(body: unknown): Calls {
  const calls: Calls = { tools: [], lists: new Set() };
  for (const message of Array.isArray(body) ? body : [body]) {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      throw badBody(-32600, 'The body is not a JSON-RPC message or a batch of them');
    }
    if (message.method === 'tools/list') calls.lists.add(message.id);
    if (message.method !== 'tools/call') continue;
    const name: unknown = message.params?.name;
    if (typeof name !== 'string') throw badBody(-32602, 'tools/call without the name of a tool');
    calls.tools.push(name);
  }
  return calls;
}

export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badBody(-32700, 'The body is not JSON');
  }
}

const badBody = (error: number, message: string): Refused =>
  new Refused({ reason: 'bad_body', status: 400, error, message });
