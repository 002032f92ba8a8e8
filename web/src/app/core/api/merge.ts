import { Decimal } from './decimal';

/** The fields of an item, or some of them. Undefined and an absent field are the same. */
export type Fields = Readonly<Record<string, unknown>>;

/** A JSON merge patch (RFC 7396): null removes a field. */
export type MergePatch = Record<string, unknown>;

/** A field that two people have changed to different values. */
export interface Conflict {
  field: string;
  mine: unknown;
  theirs: unknown;
}

/** The fields of `mine` that differ from `base`, as a merge patch. */
export function changes(base: Fields, mine: Fields): MergePatch {
  const patch: MergePatch = {};
  for (const [field, value] of Object.entries(mine)) {
    if (!isEqual(base[field], value)) patch[field] = value ?? null;
  }
  return patch;
}

/**
 * A three-way merge: what `mine` changed of `base`, on top of `theirs`.
 *
 * A field that `theirs` has as wanted already is left out: somebody else made the same change, or
 * the answer to our own request was lost.
 */
export function merge(
  base: Fields,
  mine: Fields,
  theirs: Fields,
): { patch: MergePatch; conflicts: Conflict[] } {
  const patch: MergePatch = {};
  const conflicts: Conflict[] = [];
  for (const [field, value] of Object.entries(changes(base, mine))) {
    const stored = theirs[field];
    if (isEqual(stored, value ?? undefined)) continue;
    if (isEqual(stored, base[field])) patch[field] = value;
    else conflicts.push({ field, mine: value ?? undefined, theirs: stored });
  }
  return { patch, conflicts };
}

/** Whether two values of a field are the same. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one instanceof Decimal && other instanceof Decimal) return one.equals(other);
  return one === other;
}
