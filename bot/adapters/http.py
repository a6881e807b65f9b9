"""opens a listening HTTP port, or says in one sentence why it cannot."""

from aiohttp import web

from bot.errors import ConfigError


async def listen(
    app: web.Application, section: str, host: str, port: int, *, cancel_handlers: bool = False
) -> web.AppRunner:
    """Serve `app` at host:port until the runner is cleaned up.

    Args:
        app: the application.
        section: of the config with host and port, for the error message.
        host: name or address of this machine.
        port: 0 for any free one.
        cancel_handlers: whether a request is cancelled when its client disconnects.

    Raises:
        ConfigError: the address is in use, or not one of this machine.
    """
    runner = web.AppRunner(app, access_log=None, handler_cancellation=cancel_handlers, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        sentence = f"[{section}] cannot listen on {host}:{port} ({error.strerror}): change host or port."
        raise ConfigError(sentence) from error
    return runner
