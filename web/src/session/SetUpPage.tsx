import { Alert, Button, Code, PasswordInput, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useApiForm } from '../ui/form';
import { TextLink } from '../ui/links';
import { Answer, ErrorNote } from '../ui/notes';
import { AuthLayout } from './AuthLayout';
import { setUpQuery, useSetUp } from './session';

const fields = ['organization', 'name', 'email', 'password'];

/** Where the set-up link leads. Its secret is behind the `#`, which browsers keep to themselves. */
export function SetUpPage() {
  const [token] = useState(() => window.location.hash.slice(1));
  const setUp = useQuery(setUpQuery);
  return (
    <AuthLayout title="Make the first account">
      <Answer of={setUp}>
        {({ open }) => {
          if (!open) return <AlreadyDone />;
          return token ? <SetUpForm token={token} /> : <NoToken />;
        }}
      </Answer>
    </AuthLayout>
  );
}

function AlreadyDone() {
  return (
    <Text>
      There is an account already.{' '}
      <TextLink to="/login" underline="always">
        Log in
      </TextLink>
      , or ask an owner of your organization for an account.
    </Text>
  );
}

function NoToken() {
  return (
    <Alert color="yellow" title="This link has no secret">
      Open the whole link, with what follows the #. On the server, <Code>holdfast admin setup-link</Code>{' '}
      prints a new one.
    </Alert>
  );
}

function SetUpForm({ token }: { token: string }) {
  const navigate = useNavigate();
  const setUp = useSetUp();
  const form = useApiForm({ organization: '', name: '', email: '', password: '' }, setUp.error);
  const submit = form.onSubmit((values) =>
    setUp.mutate({ ...values, token }, { onSuccess: () => navigate({ to: '/sites', replace: true }) }),
  );
  return (
    <form onSubmit={submit} style={{ display: 'contents' }}>
      <Text size="sm" c="dimmed">
        You will be the owner of this installation, and can invite others later.
      </Text>
      <TextInput
        label="Organization"
        description="The company or network whose sites you look after"
        autoComplete="organization"
        required
        {...form.getInputProps('organization')}
      />
      <TextInput label="Your name" autoComplete="name" required {...form.getInputProps('name')} />
      <TextInput
        label="E-mail address"
        description="You log in with it; nothing is sent to it"
        type="email"
        autoComplete="username"
        required
        {...form.getInputProps('email')}
      />
      <PasswordInput
        label="Password"
        description="At least 12 characters; a few words in a row are easy to remember"
        autoComplete="new-password"
        required
        visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
        {...form.getInputProps('password')}
      />
      <ErrorNote error={setUp.error} shown={fields} />
      <Button type="submit" loading={setUp.isPending}>
        Make the account
      </Button>
    </form>
  );
}
