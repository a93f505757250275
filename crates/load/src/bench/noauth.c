/* Lets every log-in pass, inside the openvpn server: a script would cost it a fork for each.
 * The entry points are those of version 1 of openvpn-plugin.h. */

enum { AUTH_USER_PASS_VERIFY = 5, SUCCESS = 0 };

static int handle;

void *openvpn_plugin_open_v1(unsigned int *type_mask, const char *argv[], const char *envp[])
{
    (void)argv;
    (void)envp;
    *type_mask = 1u << AUTH_USER_PASS_VERIFY;
    return &handle;
}

int openvpn_plugin_func_v1(void *context, const int type, const char *argv[], const char *envp[])
{
    (void)context;
    (void)type;
    (void)argv;
    (void)envp;
    return SUCCESS;
}

void openvpn_plugin_close_v1(void *context)
{
    (void)context;
}
