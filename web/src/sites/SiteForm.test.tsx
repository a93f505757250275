import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/error';
import { draw } from '../test/render';
import { SiteForm } from './SiteForm';

const initial = { name: '', note: '', hold_s: 30 };

function form(error: unknown, onSubmit = vi.fn()) {
  draw(
    <SiteForm
      initial={initial}
      verb="Make the site"
      pending={false}
      error={error}
      onSubmit={onSubmit}
      onCancel={() => {}}
    />,
  );
  return onSubmit;
}

describe('SiteForm', () => {
  it('hands over what was typed', async () => {
    const onSubmit = form(null);
    await userEvent.type(screen.getByRole('textbox', { name: /^Name/ }), 'Head office');
    await userEvent.click(screen.getByRole('button', { name: 'Make the site' }));
    expect(onSubmit.mock.calls[0]?.[0]).toEqual({ ...initial, name: 'Head office' });
  });

  it('says beside a field what is wrong with it, and nowhere else', () => {
    const message = 'is used by another site: choose another';
    form(
      new ApiError(422, {
        code: 'invalid',
        message: `name: ${message}`,
        fields: [{ field: 'name', message }],
      }),
    );
    expect(screen.getByRole('textbox', { name: /^Name/ })).toHaveProperty('ariaInvalid', 'true');
    expect(screen.getByText('Is used by another site: choose another.')).toBeDefined();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('says below the form what concerns no field, with the number of the request', () => {
    form(new ApiError(409, { code: 'conflict', message: 'the name is in use', request_id: '01J9' }));
    const note = screen.getByRole('alert');
    expect(note.textContent).toContain('The name is in use.');
    expect(note.textContent).toContain('Request 01J9');
  });
});
