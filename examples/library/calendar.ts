// The person's calendar at the company: a tool that works on what somebody has elsewhere. The guard gets a token of the
// company for them; the token that the MCP client sent stays here.
import { ConnectRequired, type Guard } from '@cardea/guard';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';

export type Calendar = (caller: { token: string } | undefined) => Promise<CallToolResult>;

const said = (text: string, isError = false): CallToolResult => ({
  ...(isError && { isError }),
  content: [{ type: 'text', text }],
});

/** `address` is the calendar API of the company. */
export function companyCalendar({ guard, address }: { guard: Guard; address: string }): Calendar {
  const entries = ({ accessToken }: { accessToken: string }): Promise<Response> =>
    fetch(address, {
      headers: { authorization: `Bearer ${accessToken}` },
      signal: AbortSignal.timeout(5_000),
    });

  return async (caller) => {
    if (!caller) throw new TypeError('a call reached the library without passing the guard');
    try {
      const kept = await guard.upstreamToken('company', caller);
      let response = await entries(kept);
      // Ended since it was fetched: whether there is another, or how to connect again, the guard finds out.
      if (response.status === 401)
        response = await entries(await guard.upstreamToken('company', caller, { refused: kept.accessToken }));
      if (response.status !== 200) return said(`The calendar at Acme answered ${response.status}.`, true);
      return said(await response.text());
    } catch (error) {
      if (!(error instanceof ConnectRequired)) throw error;
      // A server with sessions, whose client takes URL mode elicitation, throws UrlElicitationRequiredError with
      // `error.elicitation` instead; without a session nobody knows what the client takes.
      return said(
        `Your calendar at Acme is not connected yet. Connect it here, then ask again: ${error.connectUri}`,
        true,
      );
    }
  };
}
