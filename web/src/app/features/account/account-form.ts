import { Component, inject, Injector, input, type OnInit, output } from '@angular/core';
import { FormField } from '@angular/forms/signals';

import type { User } from '../../core/api/items';
import type { Fields } from '../../core/api/merge';
import { Users } from '../../core/api/resources';
import { FieldControl } from '../../shared/forms/field-control';
import { draftForm, type DraftForm } from '../../shared/forms/draft-form';
import { LabeledField } from '../../shared/forms/labeled-field';
import { FormActions } from '../../shared/forms/form-actions';
import { Saver } from '../../shared/forms/saver';

interface AccountValues extends Record<string, string> {
  name: string;
  username: string;
  email: string;
}

/** Who the caller is: a new user, or the caller's own one. */
@Component({
  selector: 'shop-account-form',
  imports: [FieldControl, LabeledField, FormActions, FormField],
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
  private readonly users = inject(Users);
  private readonly saver = inject(Saver);
  protected editor!: DraftForm<AccountValues, User>;

  ngOnInit(): void {
    this.editor = draftForm<AccountValues, User>(this.injector, {
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
          ? this.saver.update(this.users, base, fields)
          : this.saver.create(this.users, { userId: this.subject(), ...fields }, draft);
      },
      message: () => 'Your account is saved.',
      onSaved: (user) => {
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
