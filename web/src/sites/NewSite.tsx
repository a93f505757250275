import { Modal } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { onceKey } from '../api/client';
import { SiteForm } from './SiteForm';
import { useCreateSite } from './sites';

const blank = { name: '', note: '', hold_s: 30 };

export function NewSite({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const create = useCreateSite();
  const [key, setKey] = useState(onceKey);
  const close = () => {
    create.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title="New site">
      <SiteForm
        initial={blank}
        verb="Make the site"
        pending={create.isPending}
        error={create.error}
        onCancel={close}
        onSubmit={(body) =>
          create.mutate(
            { key, body },
            {
              onSuccess: (site) => navigate({ to: '/sites/$site', params: { site: site.id } }),
              onError: () => setKey(onceKey()),
            },
          )
        }
      />
    </Modal>
  );
}
