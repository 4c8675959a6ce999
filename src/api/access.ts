/**
 * Who may do what on a server (docs/spec/api.md 11.5, config.md 5.2). Without an authnz every
 * caller is anonymous and may read and operate; administer is for servers that are bound to
 * loopback alone and for the control socket. Rules of an authnz are another `Access`.
 */
import { Fault } from '#core/errors';
import type { Caller, Right } from '#core/interface';
import type { Published } from '#core/published';

export interface Access {
  may(caller: Caller, right: Right, object: Published | null, interfaceName: string): boolean;
}

export const openAccess = (administer: boolean): Access => ({
  may: (_caller, right) => administer || right !== 'administer',
});

/** Fault `forbidden` where the caller has not this right; `object` is null for what concerns the house. */
export function demand(
  access: Access,
  caller: Caller,
  right: Right,
  object: Published | null,
  interfaceName: string,
): void {
  if (!access.may(caller, right, object, interfaceName))
    throw new Fault(
      'forbidden',
      'forbidden',
      `expected the right to ${right} ${interfaceName}${object ? ` of ${object.name}` : ''}, which this caller has not`,
    );
}

/** Addresses that only this machine reaches. */
export const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
