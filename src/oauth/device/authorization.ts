// The device authorization endpoint (RFC 8628 §3.1): a device without a browser asks, and is given two codes: one to
// wait with, and one for its person to type elsewhere.

import { DEVICE_CODE } from '../../config/client-grants.ts';
import type { Audit } from '../../domain/audit.ts';
import { type ResourceIndicators, targetRefusal } from '../resources.ts';
import type { ClientCaller, TokenAnswer, TokenCall } from '../token/call.ts';
import { asClient, checkGrantType } from '../token/call-checks.ts';
import { words } from '../token/kept.ts';
import { DEVICE_CODE_LIFE, DEVICE_INTERVAL, type DeviceCodes, shownCode } from './codes.ts';

export function deviceAuthorization({
  issuer,
  codes,
  indicators,
  audit,
}: {
  issuer: string;
  codes: DeviceCodes;
  indicators: ResourceIndicators;
  audit: Audit;
}) {
  function asked(call: TokenCall, client: ClientCaller): { resources: string[]; scope: string } {
    try {
      const resources = call.resources.length > 0 ? [...call.resources] : [indicators.default(undefined)];
      const open = resources.flatMap((uri) => words(indicators.info(uri, client.metadata).scope));
      const scopes = indicators.scopeOrDefault(words(call.fields['scope']), resources, client.metadata);
      return { resources, scope: scopes.filter((scope) => open.includes(scope)).join(' ') };
    } catch (cause) {
      throw targetRefusal(cause);
    }
  }

  return async function begin(call: TokenCall): Promise<TokenAnswer> {
    const client = asClient(call);
    checkGrantType(client, DEVICE_CODE, 'for the device flow');
    const { work, traceId, ip } = call.request;
    const method = client.method === 'none' ? {} : { method: client.method };
    const request = { clientId: client.id, ...asked(call, client), ...method };
    const { deviceCode, userCode } = await codes.begin(work, request);
    audit.record(work, { action: 'device.asked', clientId: client.id, traceId, detail: { address: ip } });
    return {
      device_code: deviceCode,
      user_code: shownCode(userCode),
      verification_uri: `${issuer}/device`,
      verification_uri_complete: `${issuer}/device?code=${shownCode(userCode)}`,
      expires_in: DEVICE_CODE_LIFE,
      interval: DEVICE_INTERVAL,
    };
  };
}
