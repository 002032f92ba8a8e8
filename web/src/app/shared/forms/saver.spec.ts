import { HttpErrorResponse } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Todo } from '../../core/api/items';
import type { ResourceApi } from '../../core/api/resources';
import { Dialogs } from './dialogs';
import { Saver } from './saver';

const BASE = { id: 'a', task: 'Dust', status: 'pending', etag: '"1"' } as Todo;
const THEIRS = { ...BASE, status: 'done', etag: '"2"' } as Todo;

function failure(status: number): HttpErrorResponse {
  return new HttpErrorResponse({ status });
}

describe('Saver', () => {
  const dialogs = { confirm: vi.fn(), chooseVersions: vi.fn() };
  const todos = {
    keyOf: ({ id }: Todo) => id,
    fields: (item: Todo) => item as unknown as Record<string, unknown>,
    read: vi.fn(),
    readOrNone: vi.fn(),
    create: vi.fn(),
    patch: vi.fn(),
    delete: vi.fn(),
  };
  const resource = todos as unknown as ResourceApi<Todo>;
  let saver: Saver;

  beforeEach(() => {
    vi.resetAllMocks();
    TestBed.configureTestingModule({ providers: [{ provide: Dialogs, useValue: dialogs }] });
    saver = TestBed.inject(Saver);
  });

  it('sends no request for a form without a change', async () => {
    expect(await saver.update(resource, BASE, { task: 'Dust' })).toBe(BASE);
    expect(todos.patch).not.toHaveBeenCalled();
  });

  it('merges its change with another of a different field', async () => {
    todos.patch
      .mockRejectedValueOnce(failure(412))
      .mockResolvedValueOnce({ ...THEIRS, task: 'Wipe' });
    todos.read.mockResolvedValueOnce(THEIRS);

    await saver.update(resource, BASE, { task: 'Wipe' });

    expect(todos.patch).toHaveBeenLastCalledWith('a', { task: 'Wipe' }, '"2"');
    expect(dialogs.chooseVersions).not.toHaveBeenCalled();
  });

  it('asks about a field that both have changed, and writes what is chosen', async () => {
    todos.patch.mockRejectedValueOnce(failure(412)).mockResolvedValueOnce(THEIRS);
    todos.read.mockResolvedValueOnce({ ...THEIRS, task: 'Sweep' });
    dialogs.chooseVersions.mockResolvedValueOnce({ task: 'Wipe' });

    await saver.update(resource, BASE, { task: 'Wipe' });

    expect(dialogs.chooseVersions).toHaveBeenCalledWith([
      { field: 'task', mine: 'Wipe', theirs: 'Sweep' },
    ]);
    expect(todos.patch).toHaveBeenLastCalledWith('a', { task: 'Wipe' }, '"2"');
  });

  it('writes nothing when the choice is cancelled', async () => {
    todos.patch.mockRejectedValueOnce(failure(412));
    todos.read.mockResolvedValueOnce({ ...THEIRS, task: 'Sweep' });
    dialogs.chooseVersions.mockResolvedValueOnce(undefined);

    expect(await saver.update(resource, BASE, { task: 'Wipe' })).toBeUndefined();
    expect(todos.patch).toHaveBeenCalledTimes(1);
  });

  it('recognizes that a lost response was a success', async () => {
    todos.patch.mockRejectedValueOnce(failure(412));
    todos.read.mockResolvedValueOnce({ ...BASE, task: 'Wipe', etag: '"2"' });

    expect((await saver.update(resource, BASE, { task: 'Wipe' }))?.etag).toBe('"2"');
    expect(todos.patch).toHaveBeenCalledTimes(1);
  });

  it('sends the same body with the same idempotency key', async () => {
    const draft = { values: {} };
    await saver.create(resource, { task: 'Dust' }, draft);
    await saver.create(resource, { task: 'Dust' }, draft);
    await saver.create(resource, { task: 'Wipe' }, draft);

    const keys = todos.create.mock.calls.map(([, key]) => String(key));
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  it('asks again before it deletes what somebody else has changed', async () => {
    dialogs.confirm.mockResolvedValue(true);
    todos.delete.mockRejectedValueOnce(failure(412)).mockResolvedValueOnce(undefined);
    todos.readOrNone.mockResolvedValueOnce(THEIRS);

    expect(await saver.delete(resource, BASE, 'the todo')).toBe(true);
    expect(dialogs.confirm).toHaveBeenCalledTimes(2);
    expect(todos.delete).toHaveBeenLastCalledWith('a', '"2"');
  });

  it('deletes nothing that is not confirmed', async () => {
    dialogs.confirm.mockResolvedValueOnce(false);

    expect(await saver.delete(resource, BASE, 'the todo')).toBe(false);
    expect(todos.delete).not.toHaveBeenCalled();
  });
});
