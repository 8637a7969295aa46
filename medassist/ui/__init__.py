"""The only room with Qt: store, runner, window, panels and the viewer."""
