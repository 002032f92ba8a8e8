import { Component, inject, Injector, input, type OnInit, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { User } from '../api/items';
import type { Fields } from '../api/merge';
import { Control } from '../forms/control';
import { createEditor, type Editor } from '../forms/editor';
import { Field } from '../forms/field';
import { FormActions } from '../forms/form-actions';
import { Saver } from '../forms/saver';

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
    <form class="form" novalidate (submit)="$event.preventDefault(); editor.submit()">
      <shop-field label="Name">
        <input [formField]="editor.fields().name" autocomplete="name" />
      </shop-field>
      <shop-field label="Username">
        <input [formField]="editor.fields().username" autocomplete="username" />
      </shop-field>
      <shop-field label="Email">
        <input [formField]="editor.fields().email" type="email" autocomplete="email" />
      </shop-field>
      <shop-form-actions
        [problem]="editor.problem()"
        [isSaving]="editor.isSaving()"
        [canCancel]="editor.isChanged()"
        (cancelled)="cancel()"
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
  protected editor!: Editor<AccountValues, User>;

  ngOnInit(): void {
    this.editor = createEditor<AccountValues, User>(this.injector, {
      name: 'account',
      item: this.user(),
      values: (user) => ({
        name: user?.name ?? '',
        username: user?.username ?? '',
        email: user?.email ?? '',
      }),
      save: (draft) => {
        const { base } = draft;
        const fields = fieldsOf(draft.values);
        return base
          ? this.saver.update(['users', base.userId], base, fields)
          : this.saver.create<User>(['users'], { userId: this.subject(), ...fields }, draft);
      },
      message: () => 'Your account is saved.',
      saved: (user) => {
        this.editor.reset(user);
        this.saved.emit(user);
      },
    });
  }

  protected cancel(): void {
    this.editor.reset();
    this.editor.focus();
  }
}

function fieldsOf({ name, username, email }: AccountValues): Fields {
  return { name, username: username || undefined, email: email || undefined };
}
