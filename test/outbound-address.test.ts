import { expect, test } from 'vitest';
import { isPublic } from '../src/outbound/address.ts';

test.each(['8.8.8.8', '93.184.216.34', '2606:4700::1111', '2a00:1450::1'])('%s is public', (address) =>
  expect(isPublic(address)).toBe(true),
);
test.each([
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '240.0.0.1',
  '255.255.255.255',
  '224.0.0.1',
  '192.0.0.1',
  '192.88.99.1',
  '2001:db8::1',
  '2001::1',
  '3fff::1',
  'ff02::1',
  '100::1',
  '5f00::1',
  '4000::1',
  'fe80::1%eth0',
  '::7f00:1',
  'x',
  '',
])('%s is not public', (address) => expect(isPublic(address)).toBe(false));
