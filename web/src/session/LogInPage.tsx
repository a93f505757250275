import { Alert, Button, Code, PasswordInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useApiForm } from '../ui/form';
import { ErrorNote } from '../ui/notes';
import { AuthLayout } from './AuthLayout';
import { setUpQuery, useLogIn } from './session';

export function LogInPage() {
  const { next } = useSearch({ from: '/login' });
  const navigate = useNavigate();
  const setUp = useQuery(setUpQuery);
  const logIn = useLogIn();
  const form = useApiForm({ email: '', password: '' }, logIn.error);

  const submit = form.onSubmit((values) =>
    logIn.mutate(values, { onSuccess: () => navigate({ href: next ?? '/', replace: true }) }),
  );

  return (
    <AuthLayout title="Log in">
      {setUp.data?.open && (
        <Alert title="There is no account yet">
          The server printed a link at its first start. On the server, <Code>holdfast admin setup-link</Code>{' '}
          prints a new one: it leads to the page where the first account is made.
        </Alert>
      )}
      <form onSubmit={submit} style={{ display: 'contents' }}>
        <TextInput
          label="E-mail address"
          type="email"
          autoComplete="username"
          required
          data-autofocus
          {...form.getInputProps('email')}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
          {...form.getInputProps('password')}
        />
        <ErrorNote error={logIn.error} shown={['email', 'password']} />
        <Button type="submit" loading={logIn.isPending}>
          Log in
        </Button>
      </form>
    </AuthLayout>
  );
}
