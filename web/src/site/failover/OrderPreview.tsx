import { Accordion, Alert, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { TunnelStatus } from '../../api/types';
import { Answer } from '../../ui/notes';
import { PlanSteps } from '../router/Drift';
import { placeInWords } from './order';
import { planInWords, previewQuery, routesInWords } from './preview';

/** Moves come quickly one after the other, and a preview may have to ask the router. */
const settled = 400;

interface Props {
  site: string;
  /** The order that has not been confirmed. */
  order: string[];
  tunnels: readonly TunnelStatus[];
}

/** What confirming an order would change: the routes of each tunnel, and the configuration of the router. */
export function OrderPreview({ site, order, tunnels }: Props) {
  const [asked] = useDebouncedValue(order, settled);
  const preview = useQuery(previewQuery(site, asked));
  // Here, so that what somebody has opened stays open when another preview arrives.
  const [opened, setOpened] = useState<string | null>(null);
  const nameOf = (id: string) => tunnels.find((tunnel) => tunnel.id === id)?.name ?? id;
  return (
    <Paper withBorder p="md" component="section" aria-label="What will change">
      <Title order={2} size="h6" mb="xs">
        What will change
      </Title>
      <Answer of={preview}>
        {({ routes, router, warnings }) => (
          <Stack gap="sm">
            {warnings.map((warning) => (
              <Alert key={warning} color="yellow">
                {warning}
              </Alert>
            ))}
            <List type="ordered" size="sm">
              {routes.map((one, index) => (
                <List.Item key={one.tunnel}>
                  {nameOf(one.tunnel)}, {placeInWords(index).toLowerCase()}: {routesInWords(one.routes)}
                </List.Item>
              ))}
            </List>
            {warnings.length === 0 || router ? <Text size="sm">{planInWords(router)}</Text> : null}
            {router && router.steps.length > 0 && (
              <Accordion variant="contained" order={3} value={opened} onChange={setOpened}>
                <Accordion.Item value="steps">
                  <Accordion.Control>Show the commands</Accordion.Control>
                  <Accordion.Panel>
                    <PlanSteps plan={router} />
                  </Accordion.Panel>
                </Accordion.Item>
              </Accordion>
            )}
          </Stack>
        )}
      </Answer>
    </Paper>
  );
}
