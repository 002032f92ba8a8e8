import { Component, inject, Injector, input, type OnInit, output, signal } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { User } from '../api/items';
import type { Fields } from '../api/merge';
import { Control } from '../forms/control';
import { createEditor, type Editor } from '../forms/editor';
import { Field } from '../forms/field';
import { FormActions } from '../forms/form-actions';
import { Saver } from '../forms/saver';
import { Announcer } from '../layout/announcer';

interface AccountValues extends Record<string, string> {
  name: string;
  username: string;
  email: string;
}

/** Who the caller is: a new user, or the caller's own one. */
@Component({
  selector: 'shop-account-form',
  imports: [Control, Field, FormActions, FormField],
  template: `
    @let editor = this.editor()!;
    <form class="form" novalidate (submit)="$event.preventDefault(); editor.submit()">
      <shop-field label="Name">
        <input [formField]="editor.fields.name" autocomplete="name" />
      </shop-field>
      <shop-field label="Username">
        <input [formField]="editor.fields.username" autocomplete="username" />
      </shop-field>
      <shop-field label="Email">
        <input [formField]="editor.fields.email" type="email" autocomplete="email" />
      </shop-field>
      <shop-form-actions
        [problem]="editor.problem()"
        [isSaving]="editor.fields().submitting()"
        [canCancel]="false"
      />
    </form>
  `,
})
export class AccountForm implements OnInit {
  readonly user = input<User>();
  /** The caller, who is the key of a new user. */
  readonly subject = input.required<string>();
  readonly saved = output<User>();

  private readonly injector = inject(Injector);
  private readonly saver = inject(Saver);
  private readonly announcer = inject(Announcer);
  // Another one after each save, on top of what was saved.
  protected readonly editor = signal<Editor<AccountValues> | undefined>(undefined);

  ngOnInit(): void {
    this.open(this.user());
  }

  private open(user: User | undefined): void {
    const editor = createEditor<AccountValues>(this.injector, {
      name: 'account',
      values: { name: user?.name ?? '', username: user?.username ?? '', email: user?.email ?? '' },
      base: user,
      save: async (values, draft) => {
        const fields = fieldsOf(values);
        // A draft may be older than the user, or outlive a deleted one.
        const base = user && ((draft.base as User | undefined) ?? user);
        const saved = base
          ? await this.saver.update(['users', base.userId], base, fields)
          : await this.saver.create<User>(['users'], { userId: this.subject(), ...fields }, draft);
        if (!saved) return false;
        this.editor()?.discard();
        this.open(saved);
        this.saved.emit(saved);
        this.announcer.say('Your account is saved.');
        return true;
      },
    });
    this.editor.set(editor);
  }
}

function fieldsOf({ name, username, email }: AccountValues): Fields {
  return { name, username: username || undefined, email: email || undefined };
}
