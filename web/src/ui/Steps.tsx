import { Text, ThemeIcon, Timeline } from '@mantine/core';
import type { StepState } from '../api/types';
import { stepStates } from './states';
import { Time } from './Time';

interface Step {
  title: string;
  state: StepState;
  detail: string;
  /** When it changed last; null before it began. */
  at?: string | null;
}

/** What was done, is being done and is to be done, one below the other. */
export function Steps({ steps }: { steps: Step[] }) {
  if (steps.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        It has not begun yet.
      </Text>
    );
  }
  return (
    <Timeline bulletSize={24} lineWidth={2} aria-live="polite">
      {steps.map((step, index) => {
        const { icon: Icon, color, label } = stepStates[step.state];
        return (
          <Timeline.Item
            // biome-ignore lint/suspicious/noArrayIndexKey: steps have no ids, and never change places
            key={index}
            bullet={
              <ThemeIcon size={24} radius="xl" color={color} variant="light">
                <Icon size={16} aria-label={label} />
              </ThemeIcon>
            }
            title={step.title}
          >
            {step.detail && <Text size="sm">{step.detail}</Text>}
            <Text size="xs" c="dimmed">
              {label}
              {step.at && (
                <>
                  {' · '}
                  <Time at={step.at} />
                </>
              )}
            </Text>
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}
