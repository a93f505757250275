import { Button, Center } from '@mantine/core';
import { IconError404, IconMoodSad } from '@tabler/icons-react';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { generalError } from '../api/error';
import { ButtonLink } from '../ui/links';
import { EmptyState } from '../ui/notes';
import { useTitle } from '../ui/Page';

/** Where a page could not be shown. After an update of the server, files of the old dashboard are gone: a reload helps. */
export function Crashed({ error, reset }: ErrorComponentProps) {
  const reload = () => {
    reset();
    window.location.reload();
  };
  return (
    <Center p="xl" role="alert">
      <EmptyState
        icon={IconMoodSad}
        title="This page cannot be shown"
        action={<Button onClick={reload}>Load it again</Button>}
      >
        {generalError(error)}
      </EmptyState>
    </Center>
  );
}

/** An address that no page has. */
export function NoSuchPage() {
  return (
    <main>
      <NotFound />
    </main>
  );
}

/** An address of ours, of something that is not there or no longer. */
export function NotFound() {
  useTitle('Not found');
  return (
    <Center p="xl">
      <EmptyState
        order={1}
        icon={IconError404}
        title="There is no such page"
        action={<ButtonLink to="/sites">To the sites</ButtonLink>}
      />
    </Center>
  );
}
