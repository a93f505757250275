import type { Tunnel } from '../../api/types';

/** An order that somebody is working on, and the version of the order that it began from. */
export interface Draft {
  order: string[];
  from: number;
}

/** The order as it is stored. */
export interface Stored {
  tunnels: string[];
  version: number;
}

/** The order with one tunnel at another place. Places outside are the nearest inside. */
export function moved(order: readonly string[], tunnel: string, to: number): string[] {
  const rest = order.filter((id) => id !== tunnel);
  if (rest.length === order.length) return [...order];
  return rest.toSpliced(Math.max(0, Math.min(rest.length, to)), 0, tunnel);
}

/** A draft with one more move; none when the move leads back to what is stored. */
export function draftMove(
  draft: Draft | undefined,
  stored: Stored,
  tunnel: string,
  to: number,
): Draft | undefined {
  const order = moved(draft?.order ?? stored.tunnels, tunnel, to);
  const from = draft?.from ?? stored.version;
  return from === stored.version && isSame(order, stored.tunnels) ? undefined : { order, from };
}

/** Whether somebody else has stored an order since the draft began. */
export function isOvertaken(draft: Draft | undefined, stored: Stored): boolean {
  return draft !== undefined && draft.from !== stored.version;
}

/** The draft on top of what somebody else has stored: its order, of the tunnels that there are now. */
export function rebased(draft: Draft, stored: Stored): Draft | undefined {
  const kept = draft.order.filter((id) => stored.tunnels.includes(id));
  const order = [...kept, ...stored.tunnels.filter((id) => !kept.includes(id))];
  return isSame(order, stored.tunnels) ? undefined : { order, from: stored.version };
}

/** Metered tunnels that stand above an unmetered one: traffic would cost money while a free way is there. */
export function costly(order: readonly string[], tunnels: readonly Tunnel[]): Tunnel[] {
  const inOrder = order.flatMap((id) => tunnels.find((tunnel) => tunnel.id === id) ?? []).filter(isUsed);
  const lastFree = inOrder.findLastIndex(({ metered }) => !metered);
  return inOrder.slice(0, Math.max(0, lastFree)).filter(({ metered }) => metered);
}

function isUsed({ enabled, state }: Tunnel): boolean {
  return enabled && state !== 'unconfigured';
}

/** The place of a tunnel in words. */
export function placeInWords(index: number): string {
  return index === 0 ? 'Primary' : index === 1 ? 'First backup' : `Backup ${index}`;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}
