import { HttpErrorResponse } from '@angular/common/http';
import { Injector } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { Announcer } from '../../core/announcer';
import { Session } from '../../core/auth/session';
import { draftForm } from './draft-form';

interface Thing {
  name: string;
}

function refusal(errors: { field: string; message: string }[]): HttpErrorResponse {
  const error = JSON.stringify({ status: 400, title: 'Bad Request', detail: 'Wrong.', errors });
  return new HttpErrorResponse({ status: 400, error });
}

describe('draftForm', () => {
  const session = { subject: 'ada', signIn: vi.fn() };
  const save = vi.fn();
  const onSaved = vi.fn();

  beforeEach(() => {
    vi.resetAllMocks();
    sessionStorage.clear();
    TestBed.configureTestingModule({ providers: [{ provide: Session, useValue: session }] });
  });

  function create(item?: Thing) {
    return draftForm<{ name: string }, Thing>(TestBed.inject(Injector), {
      name: 'things',
      item,
      values: (thing) => ({ name: thing?.name ?? '' }),
      save,
      message: ({ name }) => `${name} is saved.`,
      onSaved,
    });
  }

  function type(form: ReturnType<typeof create>, name: string): void {
    form.fields().name().value.set(name);
    TestBed.tick();
  }

  it('keeps what is typed for the next visit, and for the same person alone', () => {
    type(create(), 'Tea');

    expect(create().fields().name().value()).toBe('Tea');
    session.subject = 'bob';
    expect(create().fields().name().value()).toBe('');
    session.subject = 'ada';
  });

  it('forgets the draft once it is saved, and says so', async () => {
    save.mockResolvedValue({ name: 'Teapot' });
    const form = create();
    type(form, 'Teapot');
    await form.submit();

    expect(onSaved).toHaveBeenCalledWith({ name: 'Teapot' });
    expect(TestBed.inject(Announcer).message()[0]?.text).toBe('Teapot is saved.');
    expect(create().fields().name().value()).toBe('');
  });

  it('saves once, however often the button is pressed', async () => {
    save.mockResolvedValue({ name: 'Teapot' });
    const form = create();
    await form.submit();
    await form.submit();

    expect(save).toHaveBeenCalledTimes(1);
  });

  it('puts the message of the API at its field', async () => {
    save.mockRejectedValue(refusal([{ field: 'name', message: 'must not be blank' }]));
    const form = create();
    await form.submit();

    const messages = form
      .fields()
      .name()
      .errors()
      .map(({ message }) => message);
    expect(messages).toEqual(['must not be blank']);
    expect(form.problem()).toBeUndefined();
  });

  it('shows a problem that is of no field as a whole', async () => {
    save.mockRejectedValue(refusal([{ field: 'other', message: 'is wrong' }]));
    const form = create();
    await form.submit();

    expect(form.problem()).toBeInstanceOf(HttpErrorResponse);
  });

  it('keeps the draft and asks to sign in when the session has ended', async () => {
    save.mockRejectedValue(new HttpErrorResponse({ status: 401 }));
    const form = create();
    type(form, 'Teapot');
    await form.submit();

    expect(session.signIn).toHaveBeenCalledOnce();
    expect(create().fields().name().value()).toBe('Teapot');
  });

  it('says whether something is changed', () => {
    const form = create({ name: 'Teapot' });
    expect(form.isChanged()).toBe(false);
    type(form, 'Kettle');
    expect(form.isChanged()).toBe(true);
    form.reset();
    expect(form.isChanged()).toBe(false);
  });
});
