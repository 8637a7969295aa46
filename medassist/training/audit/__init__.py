"""The shortcut audit: how well do trivial things predict a label, compared with what the label is about?"""
