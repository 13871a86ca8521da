// What is true of a database at every moment, whatever died or failed meanwhile (THREATS P01). Reads past the stores.

import type { Beside, Row } from './beside.ts';

/** By name, a query for the rows that break the rule. */
const RULES: Record<string, string> = {
  'a family hangs from a decision':
    'SELECT id FROM families WHERE id NOT IN (SELECT family_id FROM family_grants)',
  'a link has two ends':
    'SELECT * FROM family_grants WHERE family_id NOT IN (SELECT id FROM families) OR grant_id NOT IN (SELECT id FROM grants)',
  'a code or token belongs to a family': `SELECT model FROM artifacts WHERE model IN ('AuthorizationCode', 'AccessToken', 'RefreshToken')
     AND (family_id IS NULL OR family_id NOT IN (SELECT id FROM families))`,
  'a decision is in the record':
    "SELECT id FROM grants WHERE id NOT IN (SELECT grant_id FROM audit WHERE action = 'grant.allowed')",
  'a decision has an account': 'SELECT id FROM grants WHERE account_id NOT IN (SELECT id FROM accounts)',
  'an end is in the record': `SELECT id FROM families WHERE ended_by IN ('reuse', 'revoked_by_client')
     AND id NOT IN (SELECT family_id FROM audit WHERE action = 'family.ended')`,
  'what a code was exchanged for is in the record, once': `SELECT family_id FROM audit WHERE action = 'token.issued'
     GROUP BY family_id HAVING count(*) > 1`,
  'a used code has become a refresh token': `SELECT family_id FROM artifacts WHERE model = 'AuthorizationCode' AND consumed_at IS NOT NULL
     AND family_id NOT IN (SELECT family_id FROM artifacts WHERE model = 'RefreshToken')`,
  'an unused code has become nothing': `SELECT family_id FROM artifacts WHERE model = 'AuthorizationCode' AND consumed_at IS NULL
     AND family_id IN (SELECT family_id FROM artifacts WHERE model = 'RefreshToken')`,
  'tokens are issued with a record': `SELECT family_id FROM artifacts WHERE model = 'RefreshToken'
     AND family_id NOT IN (SELECT family_id FROM audit WHERE action = 'token.issued')`,
  'one key of an algorithm signs': `SELECT algorithm FROM signing_keys GROUP BY algorithm
     HAVING sum(CASE WHEN state = 'current' THEN 1 ELSE 0 END) <> 1 OR sum(CASE WHEN state = 'next' THEN 1 ELSE 0 END) > 1`,
};

/** Generations of a family follow one another: all but the last are used, the last is not. */
function brokenChains(rows: Row[]): string[] {
  const families = new Map<string, { generation: number; used: boolean }[]>();
  for (const row of rows) {
    const { rotations = 0 } = JSON.parse(String(row['payload'])) as { rotations?: number };
    const chain = families.get(String(row['family_id'])) ?? [];
    chain.push({ generation: rotations, used: row['consumed_at'] !== null });
    families.set(String(row['family_id']), chain);
  }
  return [...families].flatMap(([id, chain]) => {
    chain.sort((a, b) => a.generation - b.generation);
    const sound = chain.every(
      ({ generation, used }, at) => generation === at && used === at < chain.length - 1,
    );
    return sound ? [] : [`a refresh token has one successor: ${id} ${JSON.stringify(chain)}`];
  });
}

/** The rules that do not hold, with the rows; an empty list is what every test wants. */
export async function broken(database: Beside): Promise<string[]> {
  const found: string[] = [];
  for (const [rule, sql] of Object.entries(RULES)) {
    for (const row of await database.all(sql)) found.push(`${rule}: ${JSON.stringify(row)}`);
  }
  const tokens = await database.all(
    "SELECT family_id, payload, consumed_at FROM artifacts WHERE model = 'RefreshToken'",
  );
  return [...found, ...brokenChains(tokens)];
}
