import { afterNextRender, effect, type Injector, signal, type WritableSignal } from '@angular/core';
import { type FieldTree, form, submit } from '@angular/forms/signals';

import { problemOf } from '../api/problem';
import { Session } from '../auth/session';
import { type Draft, Drafts } from './drafts';

/** The values of a form: texts, as people type them. */
export type Values = Record<string, string>;

/** A form whose values are kept as a draft until they are saved. */
export interface Editor<V extends Values> {
  readonly fields: FieldTree<V>;
  readonly draft: Draft<V>;
  /** Why it was not saved, apart from what stands at the fields. */
  readonly problem: WritableSignal<unknown>;
  /** Save, and move the focus to the first field that is wrong. */
  submit(): Promise<void>;
  /** Move the focus to the first field. */
  focus(): void;
  /** Forget the draft. */
  discard(): void;
}

interface EditorOptions<V extends Values> {
  /** What the draft is found by after a reload. */
  name: string;
  values: V;
  base?: unknown;
  /** Save the values. Resolves to whether they were saved, or the person has cancelled. */
  save: (values: V, draft: Draft<V>) => Promise<boolean>;
}

/** Create an editor, with the draft that an earlier visit has left. It ends with its injector. */
export function createEditor<V extends Values>(
  injector: Injector,
  options: EditorOptions<V>,
): Editor<V> {
  const drafts = injector.get(Drafts);
  const session = injector.get(Session);
  // A draft is the person's own: another one may sign in in the same tab.
  const name = `${session.caller()?.subject ?? ''}/${options.name}`;
  const kept = drafts.read<V>(name);
  const draft: Draft<V> = kept ?? {
    values: options.values,
    ...(options.base === undefined ? {} : { base: options.base }),
  };
  const values = signal(draft.values);
  const fields = form(values, { injector });
  const problem = signal<unknown>(undefined);
  let isSaved = false;

  effect(
    () => {
      if (values() === draft.values) return;
      draft.values = values();
      drafts.write(name, draft);
    },
    { injector },
  );

  async function action() {
    problem.set(undefined);
    draft.values = values();
    try {
      const saving = options.save(draft.values, draft);
      // The idempotency key, before an answer can be lost.
      drafts.write(name, draft);
      isSaved = await saving;
      if (isSaved) drafts.remove(name);
      return undefined;
    } catch (error) {
      const { status, errors } = problemOf(error);
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
    fields,
    draft,
    problem,
    async submit() {
      // A second click after the answer, while the page is changing.
      if (isSaved) return;
      await submit(fields, { action, ignoreValidators: 'all' });
      fields().errorSummary().at(0)?.fieldTree().focusBoundControl();
    },
    focus() {
      afterNextRender(
        () => {
          fields().focusBoundControl();
        },
        { injector },
      );
    },
    discard() {
      drafts.remove(name);
    },
  };
}
