import { Button, Stack } from '@mantine/core';
import { type ReactNode, useMemo } from 'react';
import { Answer } from './notes';

/** A list that is read page by page, the latest first. */
interface Paged<T> {
  data: { pages: { items: T[] }[] } | undefined;
  error: unknown;
  refetch: () => unknown;
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

interface Props<T> {
  of: Paged<T>;
  /** What the rows are, in the plural. */
  what: string;
  /** Stands for a list without any. */
  empty: ReactNode;
  children: (rows: T[]) => ReactNode;
}

/** What has been read of a list so far, and a button for older rows. */
export function OlderRows<T>({ of, what, empty, children }: Props<T>) {
  const rows = useMemo(() => of.data?.pages.flatMap((page) => page.items), [of.data]);
  return (
    <Answer of={{ data: rows, error: of.error, refetch: of.refetch }}>
      {(found) =>
        found.length > 0 ? (
          <Stack gap="md">
            {children(found)}
            {of.hasNextPage && (
              <Button variant="default" onClick={() => of.fetchNextPage()} loading={of.isFetchingNextPage}>
                Show older {what}
              </Button>
            )}
          </Stack>
        ) : (
          empty
        )
      }
    </Answer>
  );
}
