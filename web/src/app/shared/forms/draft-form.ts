import {
  afterNextRender,
  computed,
  DestroyRef,
  effect,
  type Injector,
  type Signal,
  signal,
  type WritableSignal,
} from '@angular/core';
import { type FieldTree, form, readonly, schema, submit } from '@angular/forms/signals';

import { problemOf } from '../../core/api/problem';
import { Session } from '../../core/auth/session';
import { Announcer } from '../../core/announcer';
import { type Draft, Drafts } from './drafts';

/** The values of a form: texts, as people type them. */
export type Values = Record<string, string>;

/** A form whose values are kept as a draft until they are saved. */
export interface DraftForm<V extends Values, T> {
  /** The controls. They are read-only during a save, because it sends what was typed before it. */
  readonly fields: Signal<FieldTree<V>>;
  readonly isSaving: Signal<boolean>;
  /** Whether there is something that is not saved. */
  readonly isChanged: Signal<boolean>;
  /** Why it was not saved, apart from what stands at the fields. */
  readonly problem: WritableSignal<unknown>;
  /** Save, and move the focus to the first field that is wrong. */
  submit(): Promise<void>;
  /** Move the focus to the first field. */
  focus(): void;
  /** Forget the draft, and begin again: with an item, or with the one from the beginning. */
  reset(item?: T): void;
}

const LOCKED_DURING_SAVE = schema<Values>((path) => {
  readonly(path, { when: ({ state }) => state.submitting() });
});

interface DraftFormOptions<V extends Values, T> {
  /** The draft's key in sessionStorage, without the person's. */
  name: string;
  /** The item that is changed; absent for a new one. */
  item?: T | undefined;
  values: (item: T | undefined) => V;
  /** Save a draft. Resolves to the stored item, or to undefined if the person has cancelled. */
  save: (draft: Draft<V, T>) => Promise<T | undefined>;
  /** What the person reads after a save. */
  message: (item: T) => string;
  /** Shows the stored item in the page around the form, also after the person has left the form. */
  onStored?: (item: T) => void;
  /** What follows a save, unless the person has left the form in the meantime. */
  onSaved: (item: T) => unknown;
}

/** Create an editor, with the draft that an earlier visit has left. It ends with its injector. */
export function draftForm<V extends Values, T>(
  injector: Injector,
  options: DraftFormOptions<V, T>,
): DraftForm<V, T> {
  const drafts = injector.get(Drafts);
  const session = injector.get(Session);
  const announcer = injector.get(Announcer);
  // A draft is the person's own: another one may sign in in the same tab.
  const name = `${session.subject}/${options.name}`;
  const problem = signal<unknown>(undefined);
  const page = injector.get(DestroyRef);

  function open(item: T | undefined, kept?: Draft<V, T>) {
    const draft: Draft<V, T> = { ...kept, values: kept?.values ?? options.values(item) };
    // A draft may be older than the item, or outlive a deleted one.
    draft.base = item && (draft.base ?? item);
    const values = signal(draft.values);
    const fields = form(values, LOCKED_DURING_SAVE, { injector });
    return { item, draft, values, fields, isSaved: false };
  }
  const opened = signal(open(options.item, drafts.read<V, T>(name)));

  effect(
    () => {
      const { draft, values } = opened();
      if (values() === draft.values) return;
      draft.values = values();
      drafts.write(name, draft);
    },
    { injector },
  );

  async function action() {
    const current = opened();
    const { draft, fields } = current;
    draft.values = current.values();
    problem.set(undefined);
    try {
      const saving = options.save(draft);
      // The idempotency key, before an answer can be lost.
      drafts.write(name, draft);
      const item = await saving;
      if (!item) return undefined;
      options.onStored?.(item);
      current.isSaved = true;
      drafts.remove(name);
      if (!page.destroyed) await options.onSaved(item);
      announcer.say(options.message(item));
      return undefined;
    } catch (error) {
      const { status, detail, errors } = problemOf(error);
      if (page.destroyed) {
        announcer.alert(`Not saved: ${detail}`);
        return undefined;
      }
      if (status === 401) {
        await session.signIn();
        return undefined;
      }
      const known = errors.filter(({ field }) => field in draft.values);
      if (known.length < Math.max(errors.length, 1)) problem.set(error);
      return known.map(({ field, message }) => ({
        fieldTree: fields[field as keyof FieldTree<V>] as FieldTree<unknown>,
        kind: 'api',
        message,
      }));
    }
  }

  return {
    fields: computed(() => opened().fields),
    isSaving: computed(() => opened().fields().submitting()),
    isChanged: computed(() => {
      const { item, values } = opened();
      return JSON.stringify(values()) !== JSON.stringify(options.values(item));
    }),
    problem,
    async submit() {
      const { fields, isSaved } = opened();
      // A second click after the answer, while the page is changing.
      if (isSaved) return;
      await submit(fields, { action, ignoreValidators: 'all' });
      fields().errorSummary().at(0)?.fieldTree().focusBoundControl();
    },
    focus() {
      afterNextRender(
        () => {
          opened().fields().focusBoundControl();
        },
        { injector },
      );
    },
    reset(item) {
      drafts.remove(name);
      problem.set(undefined);
      opened.set(open(item ?? opened().item));
    },
  };
}
