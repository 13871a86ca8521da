// A grant and a connection as the rooms above see them, made of their rows.

import type { ConnectionRow, GrantRow } from '../../storage/grants.ts';
import type { Allowed } from '../consent/sheet.ts';

export type Grant = Allowed & {
  /** Upstreams whose credentials the MCP server may be given. */
  upstreams: string[];
  id: string;
  accountId: string;
  clientId: string;
  clientName: string;
  clientIdentity: string;
  resource: string;
  version: number;
  createdAt: number;
  expiresAt: number;
  endedAt: number | null;
};

export type Connection = Grant & {
  lastUsedAt: number | null;
  accessUntil: number | null;
  installations: number;
};

export const grant = (row: GrantRow): Grant => ({
  id: row.id,
  accountId: row.accountId,
  clientId: row.clientId,
  clientName: row.clientName,
  clientIdentity: row.clientIdentity,
  resource: row.resource,
  scopes: row.scopes as string[],
  tools: row.tools as Record<string, string[]>,
  upstreams: row.upstreams as string[],
  version: row.version,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
  endedAt: row.endedAt,
});

export const connection = (row: ConnectionRow): Connection => ({
  ...grant(row.grant),
  lastUsedAt: row.lastUsedAt,
  accessUntil: row.accessUntil,
  installations: row.installations,
});
