import { Paper, Table } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';

export interface Column<T> {
  title: string;
  /** Narrower than this, the column is left out. */
  from?: 'xs' | 'sm' | 'md' | 'lg';
  width?: string | number;
  align?: 'left' | 'right';
  cell: (row: T) => ReactNode;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  keyOf: (row: T) => string;
  /** Told when the end comes near, for lists that are read page by page. */
  onEnd?: () => void;
  /** Height of every row in pixels: measuring each as it appears would make scrolling stutter. */
  rowHeight?: number;
}

/** A table of any length, which scrolls with the page: only the rows near the window exist. */
export function VirtualTable<T>({ label, columns, rows, keyOf, onEnd, rowHeight = 58 }: Props<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setOffset(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: offset,
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : keyOf(row);
    },
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1);
  useLayoutEffect(() => {
    if (onEnd && last && last.index >= rows.length - 20) onEnd();
  }, [onEnd, last, rows.length]);

  const above = (items[0]?.start ?? offset) - offset;
  const below = virtualizer.getTotalSize() - ((last?.end ?? offset) - offset);
  return (
    <Paper withBorder style={{ overflow: 'clip' }}>
      <Table aria-label={label} aria-rowcount={rows.length + 1} highlightOnHover layout="fixed">
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ title, from, width, align }) => (
              <Table.Th key={title} visibleFrom={from} w={width} ta={align} scope="col">
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody ref={body}>
          <Spacer height={above} />
          {items.map(({ index, key }) => {
            const row = rows[index];
            return (
              row !== undefined && (
                <Table.Tr key={String(key)} h={rowHeight} aria-rowindex={index + 2}>
                  {columns.map(({ title, from, align, cell }) => (
                    <Table.Td key={title} visibleFrom={from} ta={align}>
                      {cell(row)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              )
            );
          })}
          <Spacer height={below} />
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

/** Stands for the rows that do not exist. One cell: more would make room for columns that a narrow window leaves out. */
function Spacer({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr>
      <td style={{ height, padding: 0 }} />
    </tr>
  );
}
