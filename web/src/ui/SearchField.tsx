import { CloseButton, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';

interface Props {
  label: string;
  value: string | undefined;
  /** Told when whoever types pauses. */
  onChange: (text: string | undefined) => void;
}

const pause = 200;

/** A search that begins while it is typed. `/` leads to it from anywhere on the page. */
export function SearchField({ label, value, onChange }: Props) {
  const [typed, setTyped] = useState(value ?? '');
  const [seen, setSeen] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  // The address bar may change by itself, as when somebody goes back.
  if (value !== seen) {
    setSeen(value);
    if ((value ?? '') !== typed.trim()) setTyped(value ?? '');
  }

  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping =
        event.target instanceof HTMLElement && event.target.closest('input, textarea, [contenteditable]');
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    window.addEventListener('keydown', focus);
    return () => {
      window.removeEventListener('keydown', focus);
      clearTimeout(timer.current);
    };
  }, []);

  const change = (text: string, wait = pause) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(text.trim() || undefined), wait);
  };

  return (
    <TextInput
      ref={field}
      type="search"
      aria-label={label}
      placeholder={`${label}  ( / )`}
      value={typed}
      onChange={(event) => change(event.currentTarget.value)}
      leftSection={<IconSearch size={16} aria-hidden />}
      rightSection={
        typed && <CloseButton size="sm" aria-label="Clear the search" onClick={() => change('', 0)} />
      }
      style={{ flex: '1 1 220px', maxWidth: 420 }}
    />
  );
}
